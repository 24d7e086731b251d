//! From an accepted socket to a stream of a known peer.

use std::{io, net::SocketAddr, sync::Arc};

use rustls::{ServerConfig, server::Acceptor};
use strata_core::TrustDomain;
use strata_tls::{Refusal, peer_id};
use tokio::{net::TcpStream, sync::Semaphore};
use tokio_rustls::{LazyConfigAcceptor, server::TlsStream};
use tokio_util::either::Either;

use crate::peer::Peer;

/// What a listener speaks.
pub enum Transport {
    /// HTTP without TLS: the admin listener and the development issuer, on loopback.
    Plain,
    /// Calls between services: HTTP/2 over mutual TLS.
    Mtls {
        /// The service's configuration.
        config: Arc<ServerConfig>,
        /// Trust domains of the layers that may call.
        callers: Vec<TrustDomain>,
    },
    /// Users' requests: HTTP/2 or HTTP/1.1 over TLS without client certificates.
    Https(Arc<ServerConfig>),
}

/// A connection ready for HTTP.
pub(crate) type Stream = Either<TlsStream<TcpStream>, TcpStream>;

/// Why a connection did not come about.
pub(crate) enum Failure {
    /// The peer is not accepted.
    Refused(Refusal),
    /// It broke off.
    Lost(io::Error),
}

impl Transport {
    pub(crate) const fn is_http2_only(&self) -> bool {
        matches!(self, Self::Mtls { .. })
    }

    /// Completes the handshake. A slot is taken only once the ClientHello is there, so that silent
    /// connections cannot keep honest ones from theirs.
    pub(crate) async fn accept(
        &self,
        stream: TcpStream,
        address: SocketAddr,
        handshakes: &Semaphore,
    ) -> Result<(Stream, Peer), Failure> {
        let Some(config) = self.config() else {
            return Ok((Either::Right(stream), Peer { address, id: None }));
        };
        let hello = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
        let slot = handshakes.acquire().await;
        let stream = hello.into_stream(config).await?;
        drop(slot);
        let id = match self {
            Self::Mtls { callers, .. } => {
                let certificates = stream.get_ref().1.peer_certificates().unwrap_or_default();
                Some(peer_id(certificates, callers).map_err(Failure::Refused)?)
            }
            Self::Plain | Self::Https(_) => None,
        };
        Ok((Either::Left(stream), Peer { address, id }))
    }

    /// Read for every handshake, so that material can be replaced under a running listener.
    fn config(&self) -> Option<Arc<ServerConfig>> {
        match self {
            Self::Plain => None,
            Self::Mtls { config, .. } | Self::Https(config) => Some(config.clone()),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        refusal(&error).map_or(Self::Lost(error), Self::Refused)
    }
}

/// What TLS said, when a failed read or write was its doing.
pub(crate) fn refusal(error: &io::Error) -> Option<Refusal> {
    error
        .get_ref()?
        .downcast_ref::<rustls::Error>()
        .map(Refusal::of)
}
