//! The outbound connection: TCP, then TLS with the callee's identity pinned.

use std::{
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures_util::future::BoxFuture;
use http::Uri;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use strata_telemetry::{Events, SecurityEvent};
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tower::Service;

use crate::{error::NetError, transport::refusal};

/// For TCP and TLS together.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Connects to the address of a URI. Whoever answers there must be the callee of `config`.
#[derive(Clone)]
pub(crate) struct Connector {
    config: Arc<ClientConfig>,
    upstream: Arc<str>,
    name: ServerName<'static>,
    events: Events,
}

impl Connector {
    /// `name` is not sent and not verified: the callee is known by its SPIFFE ID. rustls wants one.
    pub(crate) fn new(
        config: Arc<ClientConfig>,
        upstream: &str,
        name: ServerName<'static>,
        events: Events,
    ) -> Self {
        Self {
            config,
            upstream: upstream.into(),
            name,
            events,
        }
    }

    async fn connect(self, address: String) -> Result<TokioIo<TlsStream<TcpStream>>, NetError> {
        let connected = timeout(CONNECT_TIMEOUT, self.handshake(&address))
            .await
            .unwrap_or_else(|_| Err(NetError::TimedOut(address)));
        if let Err(error) = &connected {
            tracing::warn!(upstream = &*self.upstream, %error, "cannot reach an upstream");
            if let NetError::Refused { refusal, .. } = error {
                let (upstream, reason) = (&*self.upstream, refusal.reason());
                self.events
                    .emit(&SecurityEvent::UpstreamRefused { upstream, reason });
            }
        }
        connected.map(TokioIo::new)
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
    type Response = TokioIo<TlsStream<TcpStream>>;
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
