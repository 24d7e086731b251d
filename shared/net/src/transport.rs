//! From an accepted socket to a stream of a known peer.

use std::{future::pending, io, net::IpAddr, sync::Arc};

use rustls::{ServerConfig, server::Acceptor};
use rustls_pki_types::CertificateDer;
use sha2::{Digest as _, Sha256};
use strata_core::SpiffeId;
use strata_tls::{Peers, Refusal};
use tokio::net::TcpStream;
use tokio_rustls::{LazyConfigAcceptor, server::TlsStream};
use tokio_util::either::Either;

use crate::handshakes::Handshakes;

/// HTTP/2 over TLS (RFC 9113, section 3.1).
const HTTP2: &[u8] = b"h2";

/// What a listener speaks.
pub enum Transport {
    /// HTTP/1.1 without TLS: the admin listener and the development issuer, on loopback.
    Plain,
    /// Calls between services: HTTP/2 over mutual TLS.
    Mtls {
        /// The service's configuration.
        config: Arc<ServerConfig>,
        /// Those who may come.
        callers: Peers,
    },
    /// Users' requests: HTTP/2 or HTTP/1.1 over TLS. A client's certificate identifies nobody.
    Https(Arc<ServerConfig>),
}

/// A connection ready for HTTP.
pub(crate) struct Accepted {
    pub(crate) stream: Either<TlsStream<TcpStream>, TcpStream>,
    pub(crate) http2: bool,
    pub(crate) id: Option<SpiffeId>,
    pub(crate) own: Option<CertificateDer<'static>>,
    pub(crate) peer: Option<CertificateDer<'static>>,
    /// Its SHA-256, where nobody vouches for it.
    pub(crate) certificate: Option<[u8; 32]>,
}

/// Why a connection did not come about.
pub(crate) enum Failure {
    /// The peer is not accepted.
    Refused(Refusal),
    /// Its address has too many handshakes.
    Busy,
    /// It broke off.
    Lost(io::Error),
}

impl Transport {
    /// Completes the handshake. Its turn comes only once the ClientHello is there, so that silent
    /// connections cannot keep honest ones from theirs.
    pub(crate) async fn accept(
        &self,
        stream: TcpStream,
        address: IpAddr,
        handshakes: &Handshakes,
    ) -> Result<Accepted, Failure> {
        let (config, callers) = match self {
            Self::Plain => {
                return Ok(Accepted {
                    stream: Either::Right(stream),
                    http2: false,
                    id: None,
                    own: None,
                    peer: None,
                    certificate: None,
                });
            }
            Self::Mtls { config, callers } => (config, Some(callers)),
            Self::Https(config) => (config, None),
        };
        let hello = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
        let own = config.cert_resolver.resolve(hello.client_hello());
        let turn = handshakes.turn(address).await.ok_or(Failure::Busy)?;
        let handshake = hello.into_stream(config.clone());
        drop(turn);
        let stream = handshake.await?;
        let (_, session) = stream.get_ref();
        let presented = session.peer_certificates().unwrap_or_default();
        let certificate = match callers {
            None => presented.first().map(|leaf| Sha256::digest(leaf).into()),
            Some(_) => None,
        };
        let id = callers.map(|callers| callers.identify(presented));
        Ok(Accepted {
            id: id.transpose().map_err(Failure::Refused)?,
            own: own.and_then(|own| own.cert.first().cloned()),
            // Between services nothing else is spoken, whatever a caller offers.
            http2: callers.is_some() || session.alpn_protocol() == Some(HTTP2),
            peer: presented.first().map(|leaf| leaf.clone().into_owned()),
            certificate,
            stream: Either::Left(stream),
        })
    }

    /// Completes when what the handshake proved no longer holds.
    pub(crate) async fn ended(
        &self,
        own: Option<&CertificateDer<'_>>,
        peer: Option<&CertificateDer<'_>>,
    ) -> Refusal {
        match self {
            Self::Plain => pending().await,
            Self::Mtls { callers, .. } => callers.ended(own, peer).await,
            Self::Https(_) => Peers::strangers().ended(own, peer).await,
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
