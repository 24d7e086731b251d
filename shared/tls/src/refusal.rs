//! Why a peer was refused: one word each, the same in logs, metrics and security events.

use std::fmt;

use rustls::{CertificateError, Error};

/// Why a handshake was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// The peer presented no certificate.
    NoCertificate,
    /// Not exactly one certificate with exactly one URI SAN that is a SPIFFE ID.
    Malformed,
    /// A SPIFFE ID of another environment, or of a layer that is not accepted here; also one of a layer
    /// that is accepted for an exemption alone, which is another's.
    ForeignTrustDomain,
    /// Not signed by a CA of the trust domain it claims.
    UnknownIssuer,
    /// Its time is over.
    Expired,
    /// Its time has not come.
    NotYetValid,
    /// A certificate for another purpose: wrong extended key usage, or one that may sign others.
    WrongKeyUsage,
    /// A valid identity, but not the one that was called.
    WrongIdentity,
    /// Withdrawn by its issuer.
    Revoked,
    /// Whether it was withdrawn is not known: the revocation list of its issuer is out of date.
    StaleRevocations,
    /// The peer refused this side: its own log has the reason.
    RefusedByPeer,
    /// Not the TLS spoken here: plain text, TLS 1.2, a signature that does not match.
    Protocol,
}

impl Refusal {
    /// The reason as logs and events carry it.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::NoCertificate => "no_certificate",
            Self::Malformed => "malformed",
            Self::ForeignTrustDomain => "foreign_trust_domain",
            Self::UnknownIssuer => "unknown_issuer",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::WrongKeyUsage => "wrong_key_usage",
            Self::WrongIdentity => "wrong_identity",
            Self::Revoked => "revoked",
            Self::StaleRevocations => "stale_revocations",
            Self::RefusedByPeer => "refused_by_peer",
            Self::Protocol => "protocol",
        }
    }

    /// What a failed handshake means. The inverse of the conversion into [`Error`], by which the
    /// verifiers of this crate tell rustls.
    #[must_use]
    pub const fn of(error: &Error) -> Self {
        match error {
            Error::NoCertificatesPresented => Self::NoCertificate,
            Error::AlertReceived(_) => Self::RefusedByPeer,
            Error::InvalidCertificate(certificate) => match certificate {
                CertificateError::BadEncoding => Self::Malformed,
                CertificateError::ApplicationVerificationFailure => Self::ForeignTrustDomain,
                CertificateError::UnknownIssuer => Self::UnknownIssuer,
                CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                    Self::Expired
                }
                CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                    Self::NotYetValid
                }
                CertificateError::InvalidPurpose
                | CertificateError::InvalidPurposeContext { .. } => Self::WrongKeyUsage,
                CertificateError::NotValidForName
                | CertificateError::NotValidForNameContext { .. } => Self::WrongIdentity,
                CertificateError::Revoked => Self::Revoked,
                CertificateError::ExpiredRevocationList
                | CertificateError::ExpiredRevocationListContext { .. } => Self::StaleRevocations,
                _ => Self::Protocol,
            },
            _ => Self::Protocol,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason())
    }
}

/// As rustls needs it, so that the peer gets the fitting alert (RFC 8446, section 6.2).
impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        let certificate = match refusal {
            Refusal::Malformed => CertificateError::BadEncoding,
            Refusal::ForeignTrustDomain => CertificateError::ApplicationVerificationFailure,
            Refusal::UnknownIssuer => CertificateError::UnknownIssuer,
            Refusal::Expired => CertificateError::Expired,
            Refusal::NotYetValid => CertificateError::NotValidYet,
            Refusal::WrongKeyUsage => CertificateError::InvalidPurpose,
            Refusal::WrongIdentity => CertificateError::NotValidForName,
            Refusal::Revoked => CertificateError::Revoked,
            Refusal::StaleRevocations => CertificateError::ExpiredRevocationList,
            Refusal::NoCertificate => return Self::NoCertificatesPresented,
            Refusal::RefusedByPeer | Refusal::Protocol => {
                return Self::General(refusal.reason().to_owned());
            }
        };
        Self::InvalidCertificate(certificate)
    }
}

/// What path validation found (RFC 5280, section 6).
impl From<webpki::Error> for Refusal {
    fn from(error: webpki::Error) -> Self {
        use webpki::Error as E;
        match error {
            E::CertExpired { .. } => Self::Expired,
            E::CertNotValidYet { .. } => Self::NotYetValid,
            // A signature that does not verify comes from a stranger who borrowed the CA's name.
            E::UnknownIssuer | E::InvalidSignatureForPublicKey => Self::UnknownIssuer,
            E::RequiredEkuNotFoundContext(_) | E::EmptyEkuExtension | E::CaUsedAsEndEntity => {
                Self::WrongKeyUsage
            }
            E::CertRevoked => Self::Revoked,
            E::CrlExpired { .. } => Self::StaleRevocations,
            _ => Self::Malformed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verifiers_reason_survives_rustls() {
        for refusal in [
            Refusal::NoCertificate,
            Refusal::Malformed,
            Refusal::ForeignTrustDomain,
            Refusal::UnknownIssuer,
            Refusal::Expired,
            Refusal::NotYetValid,
            Refusal::WrongKeyUsage,
            Refusal::WrongIdentity,
            Refusal::Revoked,
            Refusal::StaleRevocations,
            Refusal::Protocol,
        ] {
            assert_eq!(Refusal::of(&Error::from(refusal)), refusal);
        }
    }
}
