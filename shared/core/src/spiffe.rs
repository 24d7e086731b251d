//! SPIFFE identities as the estate uses them: one trust domain per layer and environment, one path
//! segment per service. Syntax after the SPIFFE-ID standard, section 2; parsed by the `spiffe`
//! crate.

use std::{fmt, sync::Arc};

use crate::layer::Layer;

const SCHEME: &str = "spiffe://";

/// The trust domain of one layer in one environment, `<layer>.<env>.<organisation>`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TrustDomain {
    layer: Layer,
    name: Arc<str>,
}

impl TrustDomain {
    /// Composes the trust domain.
    ///
    /// # Errors
    /// [`SpiffeError`] when the result is no valid trust domain name.
    pub fn new(layer: Layer, environment: &str, organisation: &str) -> Result<Self, SpiffeError> {
        let name = format!("{layer}.{environment}.{organisation}");
        spiffe::TrustDomain::new(&name).map_err(|source| SpiffeError::TrustDomain {
            name: name.clone(),
            source,
        })?;
        Ok(Self {
            layer,
            name: name.into(),
        })
    }

    /// The layer this domain belongs to.
    #[must_use]
    pub const fn layer(&self) -> Layer {
        self.layer
    }

    /// The name without scheme.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `<env>.<organisation>`: what the trust domains of one environment have in common. It is also the
    /// audience of the environment's transaction tokens.
    #[must_use]
    pub fn environment(&self) -> &str {
        self.name
            .get(self.layer.as_str().len() + 1..)
            .unwrap_or_default()
    }

    /// The trust domain of another layer in the same environment.
    #[must_use]
    pub fn beside(&self, layer: Layer) -> Self {
        Self {
            layer,
            name: format!("{layer}.{}", self.environment()).into(),
        }
    }

    /// What the CA of this environment's transaction tokens calls itself, `tokens.<env>.<organisation>`:
    /// the name of no layer, so that it is no CA of one.
    #[must_use]
    pub fn token_authority(&self) -> String {
        format!("tokens.{}", self.environment())
    }

    /// What the CA of this environment's audit trails calls itself, `audit.<env>.<organisation>`: it too
    /// is no CA of a layer.
    #[must_use]
    pub fn audit_authority(&self) -> String {
        format!("audit.{}", self.environment())
    }

    /// The identity of a service of this trust domain.
    ///
    /// # Errors
    /// [`SpiffeError`] when `service` is no single valid path segment.
    pub fn workload(&self, service: &str) -> Result<SpiffeId, SpiffeError> {
        SpiffeId::parse(
            &format!("spiffe://{}/{service}", self.name),
            std::slice::from_ref(self),
        )
    }
}

impl fmt::Display for TrustDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// `spiffe://<layer>.<env>.<organisation>/<service>`. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SpiffeId {
    uri: Arc<str>,
    layer: Layer,
    path_at: usize,
}

impl SpiffeId {
    /// Parses `uri` and accepts it only from one of `domains`.
    ///
    /// # Errors
    /// [`SpiffeError`] for malformed syntax, a trust domain not in the list, a path that is not
    /// exactly one segment, or a spelling that is not canonical.
    pub fn parse(uri: &str, domains: &[TrustDomain]) -> Result<Self, SpiffeError> {
        let id = spiffe::SpiffeId::new(uri).map_err(|source| SpiffeError::Id {
            uri: uri.to_owned(),
            source,
        })?;
        let domain = domains
            .iter()
            .find(|domain| domain.name() == id.trust_domain_name())
            .ok_or_else(|| SpiffeError::ForeignTrustDomain(id.trust_domain_name().to_owned()))?;
        let service = id.path().strip_prefix('/').unwrap_or_default();
        // The parser folds case; identities here are compared byte by byte, so only one spelling
        // is accepted.
        if service.is_empty() || service.contains('/') || id.to_string() != uri {
            return Err(SpiffeError::Form(uri.to_owned()));
        }
        Ok(Self {
            path_at: uri.len() - service.len(),
            uri: uri.into(),
            layer: domain.layer(),
        })
    }

    /// The layer, by the trust domain that vouches for it.
    #[must_use]
    pub const fn layer(&self) -> Layer {
        self.layer
    }

    /// The trust domain it is of.
    #[must_use]
    pub fn trust_domain(&self) -> TrustDomain {
        let name = self.uri.get(SCHEME.len()..self.path_at - 1);
        TrustDomain {
            layer: self.layer,
            name: name.unwrap_or_default().into(),
        }
    }

    /// The service's name: the one path segment.
    #[must_use]
    pub fn service(&self) -> &str {
        self.uri.get(self.path_at..).unwrap_or_default()
    }

    /// The whole URI.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.uri
    }
}

impl fmt::Display for SpiffeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.uri)
    }
}

impl fmt::Debug for SpiffeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.uri)
    }
}

/// Why a text is no identity of this estate.
#[derive(Debug, thiserror::Error)]
pub enum SpiffeError {
    /// Not a trust domain name by the SPIFFE standard.
    #[error("`{name}` is no trust domain: use lower-case letters, digits, dots, dashes")]
    TrustDomain {
        /// What was composed.
        name: String,
        /// What the parser says.
        source: spiffe::SpiffeIdError,
    },
    /// Not a SPIFFE ID.
    #[error("`{uri}` is no SPIFFE ID: use spiffe://<trust domain>/<service>")]
    Id {
        /// What was read.
        uri: String,
        /// What the parser says.
        source: spiffe::SpiffeIdError,
    },
    /// A valid SPIFFE ID of a trust domain that is not accepted here.
    #[error("trust domain `{0}` is not accepted here")]
    ForeignTrustDomain(String),
    /// The path is not exactly one segment, or the spelling is not the canonical one.
    #[error("`{0}` is not of the form spiffe://<trust domain>/<service>, in lower case")]
    Form(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn domain() -> TrustDomain {
        TrustDomain::new(Layer::System, "dev", "org.example").unwrap()
    }

    #[test]
    fn composes_and_parses() {
        let id = domain().workload("customers").unwrap();
        assert_eq!(id.as_str(), "spiffe://system.dev.org.example/customers");
        assert_eq!(
            [format!("{id}"), format!("{id:?}")],
            [id.as_str(), id.as_str()]
        );
        assert_eq!(domain().to_string(), "system.dev.org.example");
        assert_eq!((id.layer(), id.service()), (Layer::System, "customers"));
        assert_eq!(id.trust_domain(), domain());
        assert_eq!(domain().environment(), "dev.org.example");
        assert_eq!(domain().token_authority(), "tokens.dev.org.example");
        assert_eq!(domain().audit_authority(), "audit.dev.org.example");
        let beside = TrustDomain::new(Layer::Process, "dev", "org.example").unwrap();
        assert_eq!(domain().beside(Layer::Process), beside);
    }

    #[test]
    fn refuses_what_is_not_exactly_ours() {
        let parse = |uri| SpiffeId::parse(uri, &[domain()]);
        assert!(parse("spiffe://system.dev.org.example/customers").is_ok());
        assert!(matches!(
            parse("spiffe://system.prod.org.example/customers"),
            Err(SpiffeError::ForeignTrustDomain(_))
        ));
        for uri in [
            "spiffe://system.dev.org.example",
            "spiffe://system.dev.org.example/a/b",
        ] {
            assert!(matches!(parse(uri), Err(SpiffeError::Form(_))), "{uri}");
        }
        for uri in [
            "https://system.dev.org.example/a",
            "spiffe://system.dev.org.example/a?x",
            "spiffe://system.dev.org.example/..",
            "spiffe://SYSTEM.dev.org.example/a",
            "",
        ] {
            assert!(parse(uri).is_err(), "{uri}");
        }
    }
}
