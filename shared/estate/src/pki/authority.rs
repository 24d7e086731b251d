//! Certificate authorities: one per layer, one for transaction tokens, one for audit trails, and a separate one for the HTTPS
//! edge.

use anyhow::{Context as _, Result};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose, SanType};
use strata_core::TrustDomain;
use time::Duration;

use super::leaf::{Leaf, LeafSpec, Validity, common_name};

/// How long an authority lives.
pub const AUTHORITY_LIFETIME: Duration = Duration::days(365);

/// A self-signed certificate authority that may sign leaves and nothing below them.
pub struct Authority {
    certificate_pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// The authority of a trust domain: one URI SAN, the trust domain's SPIFFE ID (X509-SVID
    /// standard, section 4.1).
    ///
    /// # Errors
    /// When the key or certificate cannot be made.
    pub fn for_trust_domain(domain: &TrustDomain, validity: Validity) -> Result<Self> {
        Self::named(domain.name(), validity)
    }

    /// The authority of the transaction tokens made in the environment of `domain`. It bears the name of
    /// no layer, and nothing of TLS trusts it.
    ///
    /// # Errors
    /// When the key or certificate cannot be made.
    pub fn for_tokens(domain: &TrustDomain, validity: Validity) -> Result<Self> {
        Self::named(&domain.token_authority(), validity)
    }

    /// The authority of the audit trails kept in the environment of `domain`. It bears the name of no layer
    /// either.
    ///
    /// # Errors
    /// When the key or certificate cannot be made.
    pub fn for_audit(domain: &TrustDomain, validity: Validity) -> Result<Self> {
        Self::named(&domain.audit_authority(), validity)
    }

    fn named(name: &str, validity: Validity) -> Result<Self> {
        let mut params = params(name, validity);
        let uri = format!("spiffe://{name}").as_str().try_into();
        params.subject_alt_names = vec![SanType::URI(uri.context("the trust domain is no ASCII")?)];
        Self::self_signed(params)
    }

    /// An authority for HTTPS certificates. It carries no SPIFFE ID and no workload trusts it.
    ///
    /// # Errors
    /// When the key or certificate cannot be made.
    pub fn for_edge(name: &str, validity: Validity) -> Result<Self> {
        Self::self_signed(params(name, validity))
    }

    /// An authority from its stored form.
    ///
    /// # Errors
    /// When either text is not PEM of its kind.
    pub fn from_pem(certificate_pem: &str, key_pem: &str) -> Result<Self> {
        let key = KeyPair::from_pem(key_pem).context("the authority's key is no PKCS#8 PEM")?;
        let issuer = Issuer::from_ca_cert_pem(certificate_pem, key)
            .context("the authority's certificate is no PEM")?;
        Ok(Self {
            certificate_pem: certificate_pem.to_owned(),
            issuer,
        })
    }

    /// Signs a leaf with a fresh key.
    ///
    /// # Errors
    /// When the specification cannot be encoded.
    pub fn issue(&self, spec: &LeafSpec) -> Result<Leaf> {
        let key = KeyPair::generate_for(spec.algorithm).context("no key could be made")?;
        let certificate = spec
            .params()?
            .signed_by(&key, &self.issuer)
            .with_context(|| format!("no certificate could be signed for {}", spec.common_name))?;
        Ok(Leaf { certificate, key })
    }

    /// The authority's certificate, PEM.
    #[must_use]
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// The authority's private key, PKCS#8 PEM.
    #[must_use]
    pub fn key_pem(&self) -> String {
        self.issuer.key().serialize_pem()
    }

    fn self_signed(params: CertificateParams) -> Result<Self> {
        let key = KeyPair::generate().context("no P-256 key could be made")?;
        let certificate_pem = params
            .self_signed(&key)
            .context("no authority could be signed")?
            .pem();
        Ok(Self {
            certificate_pem,
            issuer: Issuer::new(params, key),
        })
    }
}

fn params(name: &str, validity: Validity) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = common_name(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.not_before = validity.not_before;
    params.not_after = validity.not_after;
    params
}
