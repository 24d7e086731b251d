//! The four TLS configurations of the estate: server and client between services, the edge, and the
//! client that fetches an issuer's keys.

use std::{fs, path::Path, sync::Arc};

use rustls::{
    ClientConfig, ConfigBuilder, RootCertStore, ServerConfig, WantsVerifier,
    client::Resumption,
    crypto::{
        CryptoProvider,
        aws_lc_rs::{self, cipher_suite, kx_group},
    },
    server::{NoServerSessionStorage, WebPkiClientVerifier},
    version::TLS13,
};
use rustls_pki_types::{CertificateDer, pem::PemObject};
use strata_core::SpiffeId;

use crate::{
    error::MaterialError,
    live::{Edge, Live, Svid},
    verify::{CalleeVerifier, CallerVerifier, HolderVerifier},
};

/// Protocol names for ALPN (RFC 7301, section 6; RFC 9113, section 3.2).
const H2: &[u8] = b"h2";
const HTTP_1_1: &[u8] = b"http/1.1";

/// TLS 1.3 suites only; the hybrid post-quantum group first, so that recorded traffic stays closed.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(CryptoProvider {
        cipher_suites: vec![
            cipher_suite::TLS13_AES_128_GCM_SHA256,
            cipher_suite::TLS13_AES_256_GCM_SHA384,
            cipher_suite::TLS13_CHACHA20_POLY1305_SHA256,
        ],
        kx_groups: vec![
            kx_group::X25519MLKEM768,
            kx_group::X25519,
            kx_group::SECP256R1,
        ],
        ..aws_lc_rs::default_provider()
    })
}

/// Answers callers.
pub(crate) fn server(live: &Arc<Live>) -> Result<ServerConfig, MaterialError> {
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])?
        .with_client_cert_verifier(Arc::new(CallerVerifier::new(live.clone())))
        .with_cert_resolver(Arc::new(Svid(live.clone())));
    // A resumed session skips the verifier: an expired or withdrawn certificate would go on.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.alpn_protocols = vec![H2.to_vec()];
    Ok(config)
}

/// Makes the configuration for one callee at a time. What can fail is done when it is made.
pub(crate) struct Clients {
    builder: ConfigBuilder<ClientConfig, WantsVerifier>,
    live: Arc<Live>,
}

impl Clients {
    pub(crate) fn new(live: Arc<Live>) -> Result<Self, MaterialError> {
        let builder =
            ClientConfig::builder_with_provider(provider()).with_protocol_versions(&[&TLS13])?;
        Ok(Self { builder, live })
    }

    /// Calls one service and no other.
    pub(crate) fn pinned(&self, callee: SpiffeId) -> ClientConfig {
        let mut config = self
            .builder
            .clone()
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(CalleeVerifier::new(
                self.live.clone(),
                callee,
            )))
            .with_client_cert_resolver(Arc::new(Svid(self.live.clone())));
        // As on the server: every connection is verified anew.
        config.resumption = Resumption::disabled();
        config.enable_sni = false;
        config.alpn_protocols = vec![H2.to_vec()];
        config
    }
}

/// Answers users: resumption allowed, by which a session keeps the certificate it was made with; no early
/// data (it can be replayed, RFC 8446, section 8). Clients are asked for a certificate where `asks`.
pub(crate) fn edge(live: Arc<Live>, asks: bool) -> Result<ServerConfig, MaterialError> {
    let verifier = if asks {
        Arc::new(HolderVerifier::new())
    } else {
        WebPkiClientVerifier::no_client_auth()
    };
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(Arc::new(Edge(live)));
    config.max_early_data_size = 0;
    config.alpn_protocols = vec![H2.to_vec(), HTTP_1_1.to_vec()];
    Ok(config)
}

/// For HTTPS requests to a server outside the estate, such as the token issuer. Trusts the CA
/// certificates of the PEM file, or without one those of the operating system.
///
/// # Errors
/// [`MaterialError`] when there is no root to trust.
pub fn web_config(roots: Option<&Path>) -> Result<Arc<ClientConfig>, MaterialError> {
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])?
        .with_root_certificates(match roots {
            Some(file) => roots_of(file)?,
            None => system_roots()?,
        })
        .with_no_client_auth();
    config.alpn_protocols = vec![HTTP_1_1.to_vec()];
    Ok(Arc::new(config))
}

fn roots_of(file: &Path) -> Result<RootCertStore, MaterialError> {
    let invalid = || MaterialError::Invalid {
        file: file.to_owned(),
        problem: "holds no CA certificate: write one or more in PEM",
    };
    let pem = fs::read(file).map_err(|source| MaterialError::Read {
        file: file.to_owned(),
        source,
    })?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        roots
            .add(certificate.map_err(|_| invalid())?)
            .map_err(|_| invalid())?;
    }
    if roots.is_empty() {
        Err(invalid())
    } else {
        Ok(roots)
    }
}

fn system_roots() -> Result<RootCertStore, MaterialError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        Err(MaterialError::NoSystemRoots)
    } else {
        Ok(roots)
    }
}
