//! Everything that can be wrong with a peer's certificate, one thing at a time.

use anyhow::{Context as _, Result};
use rcgen::ExtendedKeyUsagePurpose;
use strata_config::{Environment, trust_domain};
use strata_core::{Layer, SpiffeId};
use strata_estate::pki::{Authority, LEAF_LIFETIME, LeafSpec, Pki, Validity};
use time::{Duration, OffsetDateTime};

use crate::credential::Credential;

/// The one flaw of an otherwise honest credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// No certificate at all.
    NoCertificate,
    /// An honest SVID of the same service in another environment.
    OtherEnvironment,
    /// The right SPIFFE ID, signed by the authority of another layer.
    OtherLayerAuthority,
    /// The right SPIFFE ID, signed by an authority that calls itself as the real one does.
    ForeignAuthority,
    /// Valid until a minute ago.
    Expired,
    /// Valid from tomorrow on.
    NotYetValid,
    /// Only the usage of the other side: a client that may only serve, a server that may only call.
    WrongKeyUsage,
    /// An honest SVID of a service nobody has declared.
    WrongIdentity,
    /// The right SPIFFE ID, and a second one.
    TwoIdentities,
}

impl Flaw {
    /// Every flaw.
    pub const ALL: [Self; 9] = [
        Self::NoCertificate,
        Self::OtherEnvironment,
        Self::OtherLayerAuthority,
        Self::ForeignAuthority,
        Self::Expired,
        Self::NotYetValid,
        Self::WrongKeyUsage,
        Self::WrongIdentity,
        Self::TwoIdentities,
    ];

    /// The reason a server's security event gives for refusing a caller with it: at the handshake,
    /// except for an honest stranger, whom callers.toml does not list.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::NoCertificate => "no_certificate",
            Self::OtherEnvironment => "foreign_trust_domain",
            Self::OtherLayerAuthority | Self::ForeignAuthority => "unknown_issuer",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::WrongKeyUsage => "wrong_key_usage",
            Self::WrongIdentity => "unknown_caller",
            Self::TwoIdentities => "malformed",
        }
    }

    /// The credential of a caller that claims to be `id` and has this flaw.
    ///
    /// # Errors
    /// When a certificate cannot be made.
    pub fn caller(self, pki: &Pki, id: &SpiffeId) -> Result<Credential> {
        self.credential(pki, id, ExtendedKeyUsagePurpose::ServerAuth)
    }

    /// The credential of a callee that claims to be `id` and has this flaw.
    ///
    /// # Errors
    /// When a certificate cannot be made.
    pub fn callee(self, pki: &Pki, id: &SpiffeId) -> Result<Credential> {
        self.credential(pki, id, ExtendedKeyUsagePurpose::ClientAuth)
    }

    fn credential(
        self,
        pki: &Pki,
        id: &SpiffeId,
        wrong_usage: ExtendedKeyUsagePurpose,
    ) -> Result<Credential> {
        let layer = id.layer();
        let own = trust_domain(layer, pki.environment())?;
        let mut spec = LeafSpec::svid(id, pki.environment());
        let mut authority = pki.authority(layer)?;
        let now = OffsetDateTime::now_utc();
        match self {
            Self::NoCertificate => return Ok(Credential::none()),
            Self::OtherEnvironment => {
                let other = another_environment(pki.environment())?;
                let domain = trust_domain(layer, other)?;
                authority =
                    Authority::for_trust_domain(&domain, Validity::from_now(LEAF_LIFETIME))?;
                spec = LeafSpec::svid(&domain.workload(id.service())?, other);
            }
            Self::OtherLayerAuthority => authority = pki.authority(another_layer(layer)?)?,
            Self::ForeignAuthority => {
                authority = Authority::for_trust_domain(&own, Validity::from_now(LEAF_LIFETIME))?;
            }
            Self::Expired => {
                let not_after = now - Duration::minutes(1);
                spec.validity = Validity {
                    not_before: not_after - LEAF_LIFETIME,
                    not_after,
                };
            }
            Self::NotYetValid => {
                let not_before = now + Duration::days(1);
                spec.validity = Validity {
                    not_before,
                    not_after: not_before + LEAF_LIFETIME,
                };
            }
            Self::WrongKeyUsage => spec.usages = vec![wrong_usage],
            Self::WrongIdentity => {
                spec.uris = vec![own.workload("undeclared")?.as_str().to_owned()];
            }
            Self::TwoIdentities => {
                spec.uris
                    .push(own.workload("undeclared")?.as_str().to_owned());
            }
        }
        Credential::of(&authority.issue(&spec)?)
    }
}

fn another_environment(own: Environment) -> Result<Environment> {
    let mut others = Environment::ALL.into_iter().filter(|other| *other != own);
    others.next().context("there is only one environment")
}

fn another_layer(own: Layer) -> Result<Layer> {
    Layer::ALL
        .into_iter()
        .find(|other| *other != own)
        .context("there is only one layer")
}
