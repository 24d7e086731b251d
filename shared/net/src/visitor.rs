//! Whoever comes to a web server with something else in mind than a request: connections over which the
//! other side of this crate says what it likes.

use std::{net::SocketAddr, path::Path, sync::Arc};

use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use strata_tls::web_config;
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::error::NetError;

/// A connection whose handshake is complete.
pub type Visit = TlsStream<TcpStream>;

/// Comes to one address of one web server, and to no other.
pub struct Visitor {
    address: SocketAddr,
    name: ServerName<'static>,
    config: Arc<ClientConfig>,
}

impl Visitor {
    /// Of the server at `address`, which must have a certificate for `host`: verified against `roots` (PEM),
    /// or without them against the roots of the operating system.
    ///
    /// # Errors
    /// [`NetError`] when the host is no name, or there is no root to trust.
    pub fn new(host: &str, address: SocketAddr, roots: Option<&Path>) -> Result<Self, NetError> {
        let name =
            ServerName::try_from(host.to_owned()).map_err(|_| NetError::Url(host.to_owned()))?;
        Ok(Self {
            address,
            name,
            config: web_config(roots)?,
        })
    }

    /// A connection without TLS.
    ///
    /// # Errors
    /// [`NetError`] when the server does not take it.
    pub async fn socket(&self) -> Result<TcpStream, NetError> {
        let socket = TcpStream::connect(self.address).await;
        let socket = socket.map_err(|error| NetError::connect(self.address, error))?;
        // What is said here is said at once, or the other side is seen to wait for what was held back.
        let at_once = socket.set_nodelay(true);
        at_once.map_err(|error| NetError::connect(self.address, error))?;
        Ok(socket)
    }

    /// A connection that offers `protocol` by ALPN (RFC 7301), and nothing else.
    ///
    /// # Errors
    /// [`NetError`] when the server does not take it, cannot be verified, or wants something else.
    pub async fn connect(&self, protocol: &[u8]) -> Result<Visit, NetError> {
        let mut config = ClientConfig::clone(&self.config);
        config.alpn_protocols = vec![protocol.to_vec()];
        let socket = self.socket().await?;
        let handshake = TlsConnector::from(Arc::new(config)).connect(self.name.clone(), socket);
        let visit = handshake.await;
        visit.map_err(|error| NetError::connect(self.address, error))
    }
}
