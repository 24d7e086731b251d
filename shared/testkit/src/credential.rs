//! A certificate and key as a test presents them, honest or not.

use std::{path::Path, sync::Arc};

use anyhow::{Context as _, Result};
use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    crypto::aws_lc_rs::{self, sign::any_supported_type},
    sign::{CertifiedKey, SingleCertAndKey},
    version::TLS13,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use strata_core::{Layer, SpiffeId};
use strata_estate::pki::{Leaf, LeafSpec, Pki};

const H2: &[u8] = b"h2";

/// What one side presents in a TLS handshake. The TLS around it is stock rustls, so that nothing of
/// the estate's own TLS keeps a flaw from reaching the other side.
#[derive(Clone)]
pub struct Credential(Option<Arc<(CertificateDer<'static>, PrivateKeyDer<'static>)>>);

impl Credential {
    /// Presents nothing.
    #[must_use]
    pub const fn none() -> Self {
        Self(None)
    }

    /// The honest SVID of `id`.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn honest(pki: &Pki, id: &SpiffeId) -> Result<Self> {
        let spec = LeafSpec::svid(id, pki.environment());
        Self::of(&pki.authority(id.layer())?.issue(&spec)?)
    }

    /// Presents a leaf.
    ///
    /// # Errors
    /// When it is no PEM.
    pub fn of(leaf: &Leaf) -> Result<Self> {
        let certificate = CertificateDer::from_pem_slice(leaf.certificate_pem().as_bytes());
        let key = PrivateKeyDer::from_pem_slice(leaf.key_pem().as_bytes());
        Ok(Self(Some(Arc::new((certificate?, key?)))))
    }

    /// Presents what two PEM files hold.
    ///
    /// # Errors
    /// When they hold no certificate or no key.
    pub fn read(certificate: &Path, key: &Path) -> Result<Self> {
        let certificate = CertificateDer::from_pem_file(certificate);
        let key = PrivateKeyDer::from_pem_file(key);
        Ok(Self(Some(Arc::new((certificate?, key?)))))
    }

    /// A client that trusts the servers of every layer, by the DNS name `localhost`.
    ///
    /// # Errors
    /// When rustls refuses the key.
    pub fn client_config(&self, pki: &Pki) -> Result<Arc<ClientConfig>> {
        let mut roots = RootCertStore::empty();
        for layer in Layer::ALL {
            let authority = pki.authority(layer)?;
            roots.add(CertificateDer::from_pem_slice(
                authority.certificate_pem().as_bytes(),
            )?)?;
        }
        let mut config = self.client_trusting(roots)?;
        config.alpn_protocols = vec![H2.to_vec()];
        Ok(Arc::new(config))
    }

    pub(crate) fn client_trusting(&self, roots: RootCertStore) -> Result<ClientConfig> {
        let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(&[&TLS13])?
            .with_root_certificates(roots);
        Ok(match self.0.as_deref() {
            Some((certificate, key)) => {
                // Whether the key is that of the certificate is for the other side to find out.
                let own = CertifiedKey::new(vec![certificate.clone()], any_supported_type(key)?);
                builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(own)))
            }
            None => builder.with_no_client_auth(),
        })
    }

    /// A server that accepts any client.
    ///
    /// # Errors
    /// When there is nothing to present, or rustls refuses the key.
    pub fn server_config(&self) -> Result<Arc<ServerConfig>> {
        let (certificate, key) = self
            .0
            .as_deref()
            .context("a server without a certificate cannot start")?;
        let mut config =
            ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
                .with_protocol_versions(&[&TLS13])?
                .with_no_client_auth()
                .with_single_cert(vec![certificate.clone()], key.clone_key())?;
        config.alpn_protocols = vec![H2.to_vec()];
        Ok(Arc::new(config))
    }
}
