//! The outbound connection: TCP, then TLS with the callee's identity pinned.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use futures_util::future::BoxFuture;
use http::Uri;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use strata_telemetry::{Events, SecurityEvent};
use strata_tls::{Peers, Refusal};
use tokio::{
    net::TcpStream,
    time::{sleep, timeout},
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tower::Service;

use crate::{error::NetError, guarded::Guarded, transport::refusal};

/// For TCP and TLS together.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A callee that takes nothing for so long is given up.
const STALLED: Duration = Duration::from_secs(10);

/// How long calls in flight go on after their callee ceased to be trusted.
const REFUSED_GRACE: Duration = Duration::from_secs(2);

/// Connects to the address of a URI. Whoever answers there must be the callee of `config`.
#[derive(Clone)]
pub(crate) struct Connector {
    config: Arc<ClientConfig>,
    callees: Peers,
    upstream: Arc<str>,
    name: ServerName<'static>,
    events: Events,
    retired: Arc<AtomicBool>,
}

/// A verified connection, closed when its callee has not been trusted for a while.
type Connection = TokioIo<Guarded<TlsStream<TcpStream>>>;

impl Connector {
    /// `name` is not sent and not verified: the callee is known by its SPIFFE ID. rustls wants one.
    pub(crate) fn new(
        config: Arc<ClientConfig>,
        callees: Peers,
        upstream: &str,
        name: ServerName<'static>,
        events: Events,
    ) -> Self {
        Self {
            config,
            callees,
            upstream: upstream.into(),
            name,
            events,
            retired: Arc::default(),
        }
    }

    /// Sets `retired` when a connection it made must not take further calls.
    pub(crate) fn retiring(self, retired: Arc<AtomicBool>) -> Self {
        Self { retired, ..self }
    }

    async fn connect(self, address: String) -> Result<Connection, NetError> {
        let connected = timeout(CONNECT_TIMEOUT, self.handshake(&address))
            .await
            .unwrap_or_else(|_| Err(NetError::TimedOut(address)));
        if let Err(error) = &connected {
            tracing::warn!(upstream = &*self.upstream, %error, "cannot reach an upstream");
            if let NetError::Refused { refusal, .. } = error {
                self.refused(*refusal);
            }
        }
        connected.map(|stream| TokioIo::new(self.guarded(stream)))
    }

    /// Calls go elsewhere once the callee is no longer trusted, or this side's own certificate is
    /// over; those in flight have a moment to complete.
    fn guarded(self, stream: TlsStream<TcpStream>) -> Guarded<TlsStream<TcpStream>> {
        let schemes = self
            .config
            .crypto_provider()
            .signature_verification_algorithms
            .supported_schemes();
        let own = self.config.client_auth_cert_resolver.resolve(&[], &schemes);
        let own = own.and_then(|own| own.cert.first().cloned());
        let presented = stream.get_ref().1.peer_certificates().unwrap_or_default();
        let peer = presented.first().map(|leaf| leaf.clone().into_owned());
        let end = async move {
            let refusal = self.callees.ended(own.as_ref(), peer.as_ref()).await;
            self.retired.store(true, Ordering::Release);
            self.refused(refusal);
            sleep(REFUSED_GRACE).await;
        };
        Guarded::until(stream, end, STALLED)
    }

    fn refused(&self, refusal: Refusal) {
        let (upstream, reason) = (&*self.upstream, refusal.reason());
        self.events
            .emit(&SecurityEvent::UpstreamRefused { upstream, reason });
    }

    async fn handshake(&self, address: &str) -> Result<TlsStream<TcpStream>, NetError> {
        let failed = |source| match refusal(&source) {
            Some(refusal) => NetError::Refused {
                address: address.to_owned(),
                refusal,
            },
            None => NetError::Connect {
                address: address.to_owned(),
                source,
            },
        };
        let stream = TcpStream::connect(address).await.map_err(failed)?;
        // Small requests must not wait for one another (Nagle's algorithm).
        stream.set_nodelay(true).map_err(failed)?;
        let tls = TlsConnector::from(self.config.clone());
        tls.connect(self.name.clone(), stream).await.map_err(failed)
    }
}

impl Service<Uri> for Connector {
    type Response = Connection;
    type Error = NetError;
    type Future = BoxFuture<'static, Result<Self::Response, NetError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), NetError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let address = uri.authority().map(ToString::to_string).unwrap_or_default();
        Box::pin(self.clone().connect(address))
    }
}
