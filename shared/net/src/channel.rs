//! The one place that makes a gRPC channel.

use std::{sync::Arc, time::Duration};

use http::{Uri, uri::Authority};
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use strata_telemetry::Events;
use tonic::transport::{Channel, Endpoint};

use crate::{connector::Connector, error::NetError};

/// Finds an upstream that went away without a word.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(20);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// Head of a response (RFC 9113, section 6.5.2).
const HEADER_BYTES: u32 = 16 * 1024;

/// A channel to the service `upstream` at `endpoint` (host:port), which must prove the identity
/// pinned in `config`. Connects at the first call and again whenever the connection is lost. Must
/// be called within a tokio runtime.
///
/// # Errors
/// [`NetError::Endpoint`] when `endpoint` is not host:port or `upstream` no service name.
pub fn channel(
    endpoint: &str,
    config: Arc<ClientConfig>,
    upstream: &str,
    events: Events,
) -> Result<Channel, NetError> {
    let name = ServerName::try_from(upstream.to_owned())
        .map_err(|_| NetError::Endpoint(upstream.to_owned()))?;
    let connector = Connector::new(config, upstream, name, events);
    let endpoint = Endpoint::from(uri(endpoint)?)
        .http2_keep_alive_interval(KEEPALIVE_INTERVAL)
        .keep_alive_timeout(KEEPALIVE_TIMEOUT)
        .keep_alive_while_idle(true)
        .http2_max_header_list_size(HEADER_BYTES);
    #[expect(
        clippy::disallowed_methods,
        reason = "the connector verifies the callee: this is the way all others must go"
    )]
    Ok(endpoint.connect_with_connector_lazy(connector))
}

/// `http`, because TLS is the connector's: tonic refuses `https` without its own.
fn uri(endpoint: &str) -> Result<Uri, NetError> {
    let invalid = || NetError::Endpoint(endpoint.to_owned());
    let authority: Authority = endpoint.parse().map_err(|_| invalid())?;
    if authority.port_u16().is_none() || authority.as_str().contains('@') {
        return Err(invalid());
    }
    Uri::builder()
        .scheme("http")
        .authority(authority)
        .path_and_query("/")
        .build()
        .map_err(|_| invalid())
}
