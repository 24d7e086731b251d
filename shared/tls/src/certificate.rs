//! What an X.509 certificate says of itself, before anyone vouches for it.

use std::time::Duration;

use rustls_pki_types::{CertificateDer, UnixTime};
use strata_core::{SpiffeId, TrustDomain, spiffe::SpiffeError};
use x509_parser::{
    certificate::X509Certificate,
    extensions::{ExtendedKeyUsage, GeneralName, ParsedExtension, X509Extension},
    oid_registry::{OID_SIG_ED25519, Oid},
    prelude::FromDer,
    revocation_list::CertificateRevocationList,
    time::ASN1Time,
};

use crate::refusal::Refusal;

/// A parsed certificate.
pub(crate) struct Certificate<'a>(X509Certificate<'a>);

/// From when until when something is good, in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Term {
    pub(crate) from: u64,
    pub(crate) until: u64,
}

/// Where a moment stands to a certificate's validity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Validity {
    Current,
    NotYet,
    Over,
}

fn is_readable(extension: &X509Extension<'_>) -> bool {
    !matches!(
        extension.parsed_extension(),
        ParsedExtension::ParseError { .. }
    )
}

impl<'a> Certificate<'a> {
    /// An extension that cannot be read makes it malformed: another reader may take it for something.
    pub(crate) fn parse(der: &'a CertificateDer<'_>) -> Result<Self, Refusal> {
        match X509Certificate::from_der(der) {
            Ok(([], certificate)) if certificate.extensions().iter().all(is_readable) => {
                Ok(Self(certificate))
            }
            _ => Err(Refusal::Malformed),
        }
    }

    /// The one URI SAN (X509-SVID, section 2). Unreadable names make the certificate malformed:
    /// among them could be a second one.
    pub(crate) fn uri(&self) -> Result<&str, Refusal> {
        let names = self
            .0
            .subject_alternative_name()
            .map_err(|_| Refusal::Malformed)?;
        let names = names.map(|extension| extension.value.general_names.as_slice());
        let mut uri = None;
        for name in names.unwrap_or_default() {
            match name {
                GeneralName::URI(text) if uri.is_none() => uri = Some(*text),
                GeneralName::URI(_) | GeneralName::Invalid(..) => return Err(Refusal::Malformed),
                _ => {}
            }
        }
        uri.ok_or(Refusal::Malformed)
    }

    /// The SPIFFE ID of a leaf, when it is of one of `domains`.
    pub(crate) fn spiffe_id(&self, domains: &[TrustDomain]) -> Result<SpiffeId, Refusal> {
        if self.may_sign()? {
            return Err(Refusal::WrongKeyUsage);
        }
        SpiffeId::parse(self.uri()?, domains).map_err(|error| match error {
            SpiffeError::ForeignTrustDomain(_) => Refusal::ForeignTrustDomain,
            _ => Refusal::Malformed,
        })
    }

    /// Whether it is a signing certificate, which a leaf must not be (X509-SVID, section 5.2).
    pub(crate) fn may_sign(&self) -> Result<bool, Refusal> {
        let constraints = self.0.basic_constraints().map_err(|_| Refusal::Malformed)?;
        let usage = self.0.key_usage().map_err(|_| Refusal::Malformed)?;
        Ok(constraints.is_some_and(|extension| extension.value.ca)
            || usage.is_some_and(|extension| {
                extension.value.key_cert_sign() || extension.value.crl_sign()
            }))
    }

    /// Whether the extended key usage is exactly this.
    pub(crate) fn is_for(&self, server: bool, client: bool) -> bool {
        self.has_usage(&ExtendedKeyUsage {
            server_auth: server,
            client_auth: client,
            ..no_usage()
        })
    }

    /// Whether the extended key usage is this one (DER) alone.
    pub(crate) fn is_only_for(&self, usage: &'static [u8]) -> bool {
        self.has_usage(&ExtendedKeyUsage {
            other: vec![Oid::new(usage.into())],
            ..no_usage()
        })
    }

    fn has_usage(&self, exactly: &ExtendedKeyUsage<'_>) -> bool {
        matches!(self.0.extended_key_usage(), Ok(Some(usage)) if usage.value == exactly)
    }

    /// The 32 bytes of an Ed25519 key (RFC 8410, section 4); none of any other kind.
    pub(crate) fn ed25519_key(&self) -> Option<Vec<u8>> {
        let key = self.0.public_key();
        let bytes = &key.subject_public_key.data;
        (key.algorithm.algorithm == OID_SIG_ED25519).then(|| bytes.to_vec())
    }

    pub(crate) fn validity(&self, now: UnixTime) -> Validity {
        if now < self.not_before() {
            Validity::NotYet
        } else if now > self.not_after() {
            Validity::Over
        } else {
            Validity::Current
        }
    }

    /// The first second it is valid.
    pub(crate) fn not_before(&self) -> UnixTime {
        unix_time(self.0.validity.not_before)
    }

    /// The last second it is valid.
    pub(crate) fn not_after(&self) -> UnixTime {
        unix_time(self.0.validity.not_after)
    }

    /// When it is valid.
    pub(crate) fn term(&self) -> Term {
        Term {
            from: unix_time(self.0.validity.not_before).as_secs(),
            until: self.not_after().as_secs(),
        }
    }

    /// Whether it signed the list.
    pub(crate) fn signed(&self, list: &CertificateRevocationList<'_>) -> bool {
        list.verify_signature(self.0.public_key()).is_ok()
    }
}

const fn no_usage() -> ExtendedKeyUsage<'static> {
    ExtendedKeyUsage {
        any: false,
        server_auth: false,
        client_auth: false,
        code_signing: false,
        email_protection: false,
        time_stamping: false,
        ocsp_signing: false,
        other: Vec::new(),
    }
}

/// A time before 1970 counts as 1970: both are over.
pub(crate) fn unix_time(time: ASN1Time) -> UnixTime {
    let seconds = u64::try_from(time.timestamp()).unwrap_or_default();
    UnixTime::since_unix_epoch(Duration::from_secs(seconds))
}
