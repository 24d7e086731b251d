//! Leaf certificates: what a workload or an edge presents, or signs transaction tokens with.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use anyhow::{Context as _, Result};
use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, SanType, SignatureAlgorithm,
};
use strata_config::{Environment, dns_name};
use strata_core::{Layer, SpiffeId};
use strata_tls::{AUDIT_USAGE, TOKEN_USAGE};
use time::{Duration, OffsetDateTime};

/// How long an SVID, a token leaf or a throw-away edge certificate lives.
pub const LEAF_LIFETIME: Duration = Duration::hours(24);

/// How far a start of validity lies in the past, so that a peer whose clock is a little behind
/// accepts a fresh certificate.
const CLOCK_SKEW: Duration = Duration::minutes(1);

/// When a certificate is valid.
#[derive(Clone, Copy, Debug)]
pub struct Validity {
    /// First moment.
    pub not_before: OffsetDateTime,
    /// Last moment.
    pub not_after: OffsetDateTime,
}

impl Validity {
    /// Valid from now on, for `lifetime`.
    #[must_use]
    pub fn from_now(lifetime: Duration) -> Self {
        let now = OffsetDateTime::now_utc();
        Self {
            not_before: now - CLOCK_SKEW,
            not_after: now + lifetime,
        }
    }
}

/// Everything a leaf says. The constructors give the honest forms; a test that needs a hostile
/// one changes a field.
#[derive(Clone, Debug)]
pub struct LeafSpec {
    /// Subject common name. For people only: nothing verifies it.
    pub common_name: String,
    /// URI SANs; an SVID has exactly one (X509-SVID standard, section 2).
    pub uris: Vec<String>,
    /// DNS SANs.
    pub dns_names: Vec<String>,
    /// IP SANs.
    pub addresses: Vec<IpAddr>,
    /// Extended key usages.
    pub usages: Vec<ExtendedKeyUsagePurpose>,
    /// When it is valid.
    pub validity: Validity,
    /// The kind of its key.
    pub algorithm: &'static SignatureAlgorithm,
}

impl LeafSpec {
    /// The SVID of a service: servers serve, clients call, and no layer may do more than it has to.
    #[must_use]
    pub fn svid(id: &SpiffeId, environment: Environment) -> Self {
        let usages = match id.layer() {
            Layer::System => vec![ExtendedKeyUsagePurpose::ServerAuth],
            Layer::Process => {
                vec![
                    ExtendedKeyUsagePurpose::ServerAuth,
                    ExtendedKeyUsagePurpose::ClientAuth,
                ]
            }
            Layer::Experience => vec![ExtendedKeyUsagePurpose::ClientAuth],
        };
        Self {
            common_name: id.service().to_owned(),
            uris: vec![id.as_str().to_owned()],
            dns_names: dns_names(id.layer(), environment, id.service()),
            addresses: Vec::new(),
            usages,
            validity: Validity::from_now(LEAF_LIFETIME),
            algorithm: &PKCS_ECDSA_P256_SHA256,
        }
    }

    /// What a service signs transaction tokens with. It has no name that a connection could go by.
    #[must_use]
    pub fn token(id: &SpiffeId) -> Self {
        Self::single(id, &TOKEN_USAGE)
    }

    /// What a service signs the checkpoints of its audit trail with. No connection could go by it either.
    #[must_use]
    pub fn audit(id: &SpiffeId) -> Self {
        Self::single(id, &AUDIT_USAGE)
    }

    fn single(id: &SpiffeId, usage: &[u64]) -> Self {
        Self {
            common_name: id.service().to_owned(),
            uris: vec![id.as_str().to_owned()],
            dns_names: Vec::new(),
            addresses: Vec::new(),
            usages: vec![ExtendedKeyUsagePurpose::Other(usage.to_vec())],
            validity: Validity::from_now(LEAF_LIFETIME),
            algorithm: &PKCS_ED25519,
        }
    }

    /// The HTTPS certificate of an Experience API on loopback.
    #[must_use]
    pub fn edge(service: &str, environment: Environment) -> Self {
        Self {
            common_name: service.to_owned(),
            uris: Vec::new(),
            dns_names: dns_names(Layer::Experience, environment, service),
            addresses: vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()],
            usages: vec![ExtendedKeyUsagePurpose::ServerAuth],
            validity: Validity::from_now(LEAF_LIFETIME),
            algorithm: &PKCS_ECDSA_P256_SHA256,
        }
    }

    pub(super) fn params(&self) -> Result<CertificateParams> {
        let uris = self
            .uris
            .iter()
            .map(|uri| Ok(SanType::URI(uri.as_str().try_into()?)));
        let names = self
            .dns_names
            .iter()
            .map(|name| Ok(SanType::DnsName(name.as_str().try_into()?)));
        let addresses = self
            .addresses
            .iter()
            .map(|address| Ok(SanType::IpAddress(*address)));
        let mut params = CertificateParams::default();
        params.subject_alt_names = uris
            .chain(names)
            .chain(addresses)
            .collect::<Result<_, rcgen::Error>>()
            .context("a subject alternative name is no ASCII text")?;
        params.distinguished_name = common_name(&self.common_name);
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages.clone_from(&self.usages);
        params.use_authority_key_identifier_extension = true;
        params.not_before = self.validity.not_before;
        params.not_after = self.validity.not_after;
        Ok(params)
    }
}

/// A leaf and its key.
pub struct Leaf {
    pub(super) certificate: rcgen::Certificate,
    pub(super) key: KeyPair,
}

impl Leaf {
    /// The certificate, PEM.
    #[must_use]
    pub fn certificate_pem(&self) -> String {
        self.certificate.pem()
    }

    /// The private key, PKCS#8 PEM.
    #[must_use]
    pub fn key_pem(&self) -> String {
        self.key.serialize_pem()
    }
}

pub(super) fn common_name(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

fn dns_names(layer: Layer, environment: Environment, service: &str) -> Vec<String> {
    let mut names = vec![dns_name(layer, environment, service)];
    if environment == Environment::Dev {
        names.push("localhost".to_owned());
    }
    names
}
