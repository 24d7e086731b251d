//! What each environment puts up with: one table.

use crate::environment::Environment::{self, Dev, Staging, Test};

/// Something that is convenient on a developer's machine and unsafe elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Laxity {
    /// Access tokens from an issuer reached over plain HTTP; on loopback only, even then.
    PlainIssuer,
    /// Traces and metrics over plain HTTP to a collector on another host.
    DistantCollector,
    /// Quotas counted over plain TCP in a Redis on another host.
    DistantRedis,
    /// Trusting a layer whose certificate revocation list is past its date.
    StaleCrl,
    /// The admin listener, which is plain HTTP, on every interface.
    OpenAdmin,
    /// Calls that the policies do not permit, answered all the same.
    AuditedPolicy,
    /// What an Experience API offers, told to anybody: its OpenAPI document and the page to try it.
    ServedDocuments,
}

impl Laxity {
    /// The table: where it is put up with. Refused everywhere else.
    const fn allowed_in(self) -> &'static [Environment] {
        match self {
            Self::PlainIssuer | Self::StaleCrl => &[Dev],
            Self::DistantCollector | Self::DistantRedis | Self::OpenAdmin => &[Dev, Test],
            Self::AuditedPolicy | Self::ServedDocuments => &[Dev, Test, Staging],
        }
    }

    /// Whether `environment` puts up with it.
    pub(crate) fn is_allowed(self, environment: Environment) -> bool {
        self.allowed_in().contains(&environment)
    }
}

impl Environment {
    /// Whether a certificate revocation list past its date still counts (RFC 5280, section
    /// 5.1.2.5). Where not, nobody of that layer is trusted until there is a newer one.
    #[must_use]
    pub fn accepts_stale_crls(self) -> bool {
        Laxity::StaleCrl.is_allowed(self)
    }

    /// Whether an Experience API serves its OpenAPI document, and a page over it, to anybody.
    #[must_use]
    pub fn serves_api_documents(self) -> bool {
        Laxity::ServedDocuments.is_allowed(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_puts_up_with_what_harms_nobody_but_itself() {
        assert!(Laxity::DistantCollector.is_allowed(Environment::Test));
        assert!(Laxity::OpenAdmin.is_allowed(Environment::Test));
        assert!(!Laxity::PlainIssuer.is_allowed(Environment::Test));
        assert!(!Laxity::StaleCrl.is_allowed(Environment::Test));
    }

    #[test]
    fn production_tells_nobody_what_it_offers() {
        for environment in Environment::ALL {
            let served = environment.serves_api_documents();
            assert_eq!(served, environment != Environment::Prod, "{environment:?}");
        }
    }

    #[test]
    fn production_enforces_its_policies() {
        for environment in Environment::ALL {
            let audited = Laxity::AuditedPolicy.is_allowed(environment);
            assert_eq!(audited, environment != Environment::Prod, "{environment:?}");
        }
    }

    #[test]
    fn staging_and_production_put_up_with_nothing() {
        for laxity in [
            Laxity::PlainIssuer,
            Laxity::StaleCrl,
            Laxity::DistantCollector,
            Laxity::DistantRedis,
            Laxity::OpenAdmin,
        ] {
            assert!(laxity.is_allowed(Dev));
            assert!(!laxity.is_allowed(Environment::Staging));
            assert!(!laxity.is_allowed(Environment::Prod));
        }
    }
}
