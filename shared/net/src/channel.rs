//! The one place that makes a gRPC channel.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use arc_swap::ArcSwap;
use http::{Request, Response, Uri, uri::Authority};
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use strata_telemetry::Events;
use strata_tls::Peers;
use tonic::{
    body::Body,
    transport::{self, Endpoint},
};
use tower::Service;

use crate::{connector::Connector, error::NetError};

/// Finds an upstream that went away without a word.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(20);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// Head of a response (RFC 9113, section 6.5.2).
const HEADER_BYTES: u32 = 16 * 1024;

/// A channel to the service `upstream` at `endpoint` (host:port), which must prove the identity
/// pinned in `config` and stay one of `callees`. Connects at the first call and again whenever the
/// connection is lost. Must be called within a tokio runtime.
///
/// # Errors
/// [`NetError::Endpoint`] when `endpoint` is not host:port or `upstream` no service name.
pub fn channel(
    endpoint: &str,
    config: Arc<ClientConfig>,
    callees: Peers,
    upstream: &str,
    events: Events,
) -> Result<Channel, NetError> {
    let name = ServerName::try_from(upstream.to_owned())
        .map_err(|_| NetError::Endpoint(upstream.to_owned()))?;
    let endpoint = Endpoint::from(uri(endpoint)?)
        .http2_keep_alive_interval(KEEPALIVE_INTERVAL)
        .keep_alive_timeout(KEEPALIVE_TIMEOUT)
        .keep_alive_while_idle(true)
        .http2_max_header_list_size(HEADER_BYTES);
    let upstream = Arc::new(Upstream {
        endpoint,
        connector: Connector::new(config, callees, upstream, name, events),
    });
    let line = Arc::new(upstream.line());
    Ok(Channel {
        upstream,
        transport: line.transport.clone(),
        current: Arc::new(ArcSwap::new(line.clone())),
        line,
    })
}

/// A way to one upstream. Cheap to clone; clones share connections. A connection whose callee is no
/// longer trusted takes no further call; those in flight have a moment to complete.
#[derive(Clone)]
pub struct Channel {
    upstream: Arc<Upstream>,
    current: Arc<ArcSwap<Line>>,
    line: Arc<Line>,
    transport: transport::Channel,
}

struct Upstream {
    endpoint: Endpoint,
    connector: Connector,
}

/// A connection at a time, made again when lost, until it is retired.
struct Line {
    transport: transport::Channel,
    retired: Arc<AtomicBool>,
}

impl Upstream {
    fn line(&self) -> Line {
        let retired = Arc::new(AtomicBool::new(false));
        let connector = self.connector.clone().retiring(retired.clone());
        #[expect(
            clippy::disallowed_methods,
            reason = "the connector verifies the callee: this is the way all others must go"
        )]
        let transport = self.endpoint.connect_with_connector_lazy(connector);
        Line { transport, retired }
    }
}

impl Line {
    fn is_retired(&self) -> bool {
        self.retired.load(Ordering::Acquire)
    }
}

impl Channel {
    /// Leaves a retired line for the one that all clones share next.
    fn renew(&mut self) {
        let current = self.current.load();
        self.line = if current.is_retired() {
            let next = Arc::new(self.upstream.line());
            let before = self.current.compare_and_swap(&*current, next.clone());
            if Arc::ptr_eq(&before, &current) {
                next
            } else {
                // Another clone was faster.
                self.current.load_full()
            }
        } else {
            Arc::clone(&current)
        };
        self.transport = self.line.transport.clone();
    }
}

impl Service<Request<Body>> for Channel {
    type Response = Response<Body>;
    type Error = transport::Error;
    type Future = <transport::Channel as Service<Request<Body>>>::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        if self.line.is_retired() {
            self.renew();
        }
        self.transport.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        self.transport.call(request)
    }
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
