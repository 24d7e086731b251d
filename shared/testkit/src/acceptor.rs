//! TLS connections of a server that nothing of the estate's own is in: stock rustls over a socket.

use std::{io, sync::Arc};

use anyhow::Result;
use rustls::ServerConfig;
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use crate::credential::Credential;

/// A connection whose handshake an [`Acceptor`] has answered.
pub type Accepted = TlsStream<TcpStream>;

/// Answers handshakes. Cheap to clone.
#[derive(Clone)]
pub struct Acceptor(TlsAcceptor);

impl Acceptor {
    /// Answers as `config` says.
    #[must_use]
    pub fn of(config: Arc<ServerConfig>) -> Self {
        Self(TlsAcceptor::from(config))
    }

    /// Presents `credential` to whoever the client is. `protocols` are agreed to by ALPN (RFC 7301);
    /// none is asked for when there are none.
    ///
    /// # Errors
    /// When there is nothing to present, or rustls refuses the key.
    pub fn presenting(credential: &Credential, protocols: &[&[u8]]) -> Result<Self> {
        let mut config = Arc::unwrap_or_clone(credential.server_config()?);
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        Ok(Self::of(Arc::new(config)))
    }

    /// Answers one client's handshake.
    ///
    /// # Errors
    /// When the handshake fails.
    pub async fn accept(&self, stream: TcpStream) -> io::Result<Accepted> {
        self.0.accept(stream).await
    }
}
