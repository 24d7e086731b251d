//! What a CA took back, as a test says it.

use anyhow::Result;
use rcgen::{CertificateRevocationListParams, Issuer, KeyIdMethod, KeyPair, SerialNumber};
use strata_estate::pki::Authority;
use time::{Duration, OffsetDateTime};

/// A CRL of `authority` that takes nothing back, PEM. The next one is due at `next`.
///
/// # Errors
/// When it cannot be signed.
pub fn crl(authority: &Authority, next: OffsetDateTime) -> Result<String> {
    let key = KeyPair::from_pem(&authority.key_pem())?;
    let issuer = Issuer::from_ca_cert_pem(authority.certificate_pem(), key)?;
    let params = CertificateRevocationListParams {
        this_update: next - Duration::days(1),
        next_update: next,
        crl_number: SerialNumber::from(1),
        issuing_distribution_point: None,
        revoked_certs: Vec::new(),
        key_identifier_method: KeyIdMethod::Sha256,
    };
    Ok(params.signed_by(&issuer)?.pem()?)
}
