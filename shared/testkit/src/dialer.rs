//! TLS connections of a client that nothing of the estate's own is in: stock rustls over a socket.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    path::Path,
    sync::Arc,
};

use anyhow::{Context as _, Result};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use strata_estate::Pki;
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::credential::Credential;

/// The name every server certificate of dev carries.
const NAME: &str = "localhost";

/// A connection whose handshake a [`Dialer`] has completed.
pub type Connected = TlsStream<TcpStream>;

/// Opens connections of one kind. Cheap to clone.
#[derive(Clone)]
pub struct Dialer {
    config: Arc<ClientConfig>,
    source: Option<IpAddr>,
}

impl Dialer {
    /// To an edge: presents nothing, and trusts the CAs of a PEM file. `protocols` are offered by
    /// ALPN (RFC 7301).
    ///
    /// # Errors
    /// When the file cannot be used.
    pub fn edge(roots: &Path, protocols: &[&[u8]]) -> Result<Self> {
        Self::holder(roots, &Credential::none(), protocols)
    }

    /// As [`Self::edge`], presenting `credential` where it is asked for one.
    ///
    /// # Errors
    /// When the file or the credential cannot be used.
    pub fn holder(roots: &Path, credential: &Credential, protocols: &[&[u8]]) -> Result<Self> {
        let mut store = RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(roots).context("there is no CA file")? {
            store.add(certificate?)?;
        }
        let mut config = credential.client_trusting(store)?;
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        Ok(Self::of(Arc::new(config)))
    }

    /// To a service that others call: presents `credential`, and trusts every layer's CA.
    ///
    /// # Errors
    /// When the credential cannot be used.
    pub fn hop(pki: &Pki, credential: &Credential) -> Result<Self> {
        Ok(Self::of(credential.client_config(pki)?))
    }

    /// As `config` says.
    #[must_use]
    pub const fn of(config: Arc<ClientConfig>) -> Self {
        Self {
            config,
            source: None,
        }
    }

    /// The same, from another of this machine's addresses.
    #[must_use]
    pub fn from(mut self, source: IpAddr) -> Self {
        self.source = Some(source);
        self
    }

    /// Connects, and leaves it at that.
    ///
    /// # Errors
    /// When the connection cannot be made.
    pub async fn socket(&self, address: SocketAddr) -> io::Result<TcpStream> {
        let socket = if address.is_ipv4() {
            TcpSocket::new_v4()
        } else {
            TcpSocket::new_v6()
        }?;
        if let Some(source) = self.source {
            socket.bind((source, 0).into())?;
        }
        let stream = socket.connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    /// Connects, and completes the handshake.
    ///
    /// # Errors
    /// When either fails. Over TLS 1.3 a server that refuses the client says so later, on reading.
    pub async fn connect(&self, address: SocketAddr) -> io::Result<Connected> {
        let stream = self.socket(address).await?;
        let name = ServerName::try_from(NAME).map_err(io::Error::other)?;
        let connector = TlsConnector::from(Arc::clone(&self.config));
        connector.connect(name, stream).await
    }

    /// Whether the server at `address` presents the first certificate of a PEM file.
    ///
    /// # Errors
    /// When no connection comes about, or the file holds none.
    pub async fn meets(&self, address: SocketAddr, file: &Path) -> Result<bool> {
        let stream = self.connect(address).await?;
        let chain = stream.get_ref().1.peer_certificates();
        let leaf = chain.and_then(<[_]>::first).context("it presents none")?;
        Ok(*leaf == CertificateDer::from_pem_file(file)?)
    }
}
