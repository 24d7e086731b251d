//! The outbound connection: TCP, then TLS with the callee's identity pinned.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use rustls::ClientConfig;
use rustls_pki_types::{CertificateDer, ServerName};
use strata_telemetry::{Events, SecurityEvent};
use strata_tls::{Peers, Refusal};
use tokio::{net::TcpStream, time::sleep};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tokio_util::sync::CancellationToken;

use crate::{error::NetError, guarded::Guarded};

/// Until the callee has spoken.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A callee that takes nothing for so long is given up.
const STALLED: Duration = Duration::from_secs(10);

/// How long calls in flight go on after their callee ceased to be trusted.
const REFUSED_GRACE: Duration = Duration::from_secs(2);

/// Connects to an address. Whoever answers there must be the callee of `config`.
#[derive(Clone)]
pub(crate) struct Connector {
    config: Arc<ClientConfig>,
    callees: Peers,
    upstream: Arc<str>,
    name: ServerName<'static>,
    events: Events,
}

impl Connector {
    /// `name` is not sent and not verified: the callee is known by its SPIFFE ID. rustls wants one.
    pub(crate) const fn new(
        config: Arc<ClientConfig>,
        callees: Peers,
        upstream: Arc<str>,
        name: ServerName<'static>,
        events: Events,
    ) -> Self {
        Self {
            config,
            callees,
            upstream,
            name,
            events,
        }
    }

    /// Takes as long as the other end likes. `leaving` is cancelled when the connection must take no
    /// further call: its callee is not trusted any more, or this side's own certificate is over.
    /// Those in flight have a moment to complete.
    pub(crate) async fn connect(
        &self,
        address: SocketAddr,
        leaving: CancellationToken,
    ) -> Result<Guarded<TlsStream<TcpStream>>, NetError> {
        let stream = self
            .handshake(address)
            .await
            .map_err(|source| NetError::connect(address, source))?;
        let presented = stream.get_ref().1.peer_certificates().unwrap_or_default();
        let peer = presented.first().map(|leaf| leaf.clone().into_owned());
        let (own, this) = (self.own(), self.clone());
        let end = async move {
            let refusal = this.callees.ended(own.as_ref(), peer.as_ref()).await;
            leaving.cancel();
            this.refused(refusal);
            sleep(REFUSED_GRACE).await;
        };
        Ok(Guarded::until(stream, end, STALLED))
    }

    /// Tells that whoever answered is not the callee, or would not have this service.
    pub(crate) fn refused(&self, refusal: Refusal) {
        let (upstream, reason) = (&*self.upstream, refusal.reason());
        self.events
            .emit(&SecurityEvent::UpstreamRefused { upstream, reason });
    }

    /// The certificate this side presents.
    fn own(&self) -> Option<CertificateDer<'static>> {
        let schemes = self
            .config
            .crypto_provider()
            .signature_verification_algorithms
            .supported_schemes();
        let own = self
            .config
            .client_auth_cert_resolver
            .resolve(&[], &schemes)?;
        own.cert.first().cloned()
    }

    async fn handshake(&self, address: SocketAddr) -> std::io::Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect(address).await?;
        // Small requests must not wait for one another (Nagle's algorithm).
        stream.set_nodelay(true)?;
        let tls = TlsConnector::from(self.config.clone());
        tls.connect(self.name.clone(), stream).await
    }
}
