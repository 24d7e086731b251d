//! Certificates for the tests of this crate.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
    PKCS_ED25519, RevokedCertParams, SanType, SerialNumber, SignatureAlgorithm,
};
use rustls_pki_types::CertificateDer;
use strata_core::{Layer, TrustDomain};
use time::{Duration, OffsetDateTime};
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::{audit::AUDIT_USAGE, tokens::TOKEN_USAGE};

pub(crate) fn domain(layer: Layer, environment: &str) -> TrustDomain {
    TrustDomain::new(layer, environment, "org.example").unwrap()
}

pub(crate) struct Ca(CertifiedIssuer<'static, KeyPair>);

impl Ca {
    pub(crate) fn new(domain: &TrustDomain) -> Self {
        Self::named(domain.name())
    }

    /// The CA of the tokens made beside `domain`.
    pub(crate) fn of_tokens(domain: &TrustDomain) -> Self {
        Self::named(&domain.token_authority())
    }

    /// The CA of the audit trails kept beside `domain`.
    pub(crate) fn of_audit(domain: &TrustDomain) -> Self {
        Self::named(&domain.audit_authority())
    }

    fn named(name: &str) -> Self {
        Self(CertifiedIssuer::self_signed(Self::params(name), key()).unwrap())
    }

    pub(crate) fn expired(domain: &TrustDomain) -> Self {
        let mut params = Self::params(domain.name());
        params.not_after = OffsetDateTime::now_utc() - Duration::minutes(1);
        Self(CertifiedIssuer::self_signed(params, key()).unwrap())
    }

    /// A CA that this one signed.
    pub(crate) fn subordinate(&self) -> Self {
        let mut params = CertificateParams::default();
        params
            .distinguished_name
            .push(DnType::CommonName, "subordinate");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        Self(CertifiedIssuer::signed_by(params, key(), &self.0).unwrap())
    }

    fn params(name: &str) -> CertificateParams {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.subject_alt_names = vec![uri(&format!("spiffe://{name}"))];
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    pub(crate) fn der(&self) -> CertificateDer<'static> {
        self.0.der().clone()
    }

    /// The list of what it took back, good until then.
    pub(crate) fn revoke(&self, leaves: &[&Identity], until: Duration) -> String {
        let now = OffsetDateTime::now_utc();
        let revoked = leaves.iter().map(|leaf| {
            let (_, leaf) = X509Certificate::from_der(&leaf.der).unwrap();
            RevokedCertParams {
                serial_number: SerialNumber::from_slice(leaf.raw_serial()),
                revocation_time: now,
                reason_code: None,
                invalidity_date: None,
            }
        });
        let params = CertificateRevocationListParams {
            this_update: now - Duration::hours(1),
            next_update: now + until,
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: revoked.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(&self.0).unwrap().pem().unwrap()
    }

    pub(crate) fn issue(&self, leaf: &Leaf) -> Identity {
        let mut params = CertificateParams::default();
        params.subject_alt_names = leaf.uris.iter().map(|name| uri(name)).collect();
        params.extended_key_usages.clone_from(&leaf.usages);
        params.is_ca = if leaf.is_ca {
            IsCa::Ca(BasicConstraints::Unconstrained)
        } else {
            IsCa::ExplicitNoCa
        };
        params.not_before = OffsetDateTime::now_utc() + leaf.from;
        params.not_after = OffsetDateTime::now_utc() + leaf.until;
        let key = KeyPair::generate_for(leaf.algorithm).unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        Identity {
            der: certificate.der().clone(),
            pem: certificate.pem(),
            key,
        }
    }
}

fn key() -> KeyPair {
    KeyPair::generate().unwrap()
}

fn uri(name: &str) -> SanType {
    SanType::URI(name.try_into().unwrap())
}

/// What a leaf says. The default says nothing wrong.
#[derive(Clone)]
pub(crate) struct Leaf {
    pub(crate) uris: Vec<String>,
    pub(crate) usages: Vec<ExtendedKeyUsagePurpose>,
    pub(crate) from: Duration,
    pub(crate) until: Duration,
    pub(crate) is_ca: bool,
    pub(crate) algorithm: &'static SignatureAlgorithm,
}

impl Leaf {
    pub(crate) fn of(domain: &TrustDomain, service: &str) -> Self {
        let mut usages = Vec::new();
        if domain.layer().callers().next().is_some() {
            usages.push(ExtendedKeyUsagePurpose::ServerAuth);
        }
        if domain.layer().callees().next().is_some() {
            usages.push(ExtendedKeyUsagePurpose::ClientAuth);
        }
        Self {
            uris: vec![format!("spiffe://{domain}/{service}")],
            usages,
            from: -Duration::minutes(5),
            until: Duration::hours(24),
            is_ca: false,
            algorithm: &PKCS_ECDSA_P256_SHA256,
        }
    }

    pub(crate) fn token(domain: &TrustDomain, service: &str) -> Self {
        Self::single(domain, service, &TOKEN_USAGE)
    }

    pub(crate) fn audit(domain: &TrustDomain, service: &str) -> Self {
        Self::single(domain, service, &AUDIT_USAGE)
    }

    fn single(domain: &TrustDomain, service: &str, usage: &[u64]) -> Self {
        Self {
            usages: vec![ExtendedKeyUsagePurpose::Other(usage.to_vec())],
            algorithm: &PKCS_ED25519,
            ..Self::of(domain, service)
        }
    }
}

/// A certificate with its key.
pub(crate) struct Identity {
    der: CertificateDer<'static>,
    pem: String,
    key: KeyPair,
}

impl Identity {
    pub(crate) fn der(&self) -> CertificateDer<'static> {
        self.der.clone()
    }

    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    pub(crate) fn write(&self, folder: &Path, name: &str) {
        fs::write(folder.join(format!("{name}.pem")), &self.pem).unwrap();
        let key = folder.join(format!("{name}.key"));
        fs::write(&key, self.key.serialize_pem()).unwrap();
        fs::set_permissions(key, fs::Permissions::from_mode(0o600)).unwrap();
    }
}
