//! Whose estate this is, compiled in from estate.toml, and the names that follow from it.

use strata_core::{Layer, TrustDomain, spiffe::SpiffeError};

use crate::environment::Environment;

/// The organisation's domain name, the last part of every trust domain.
pub const ORGANISATION: &str = env!("STRATA_ESTATE_ORGANISATION");

/// The estate's name.
pub const ESTATE: &str = env!("STRATA_ESTATE_NAME");

/// The trust domain of one layer in one environment: `<layer>.<environment>.<organisation>`.
///
/// # Errors
/// [`SpiffeError`] when the organisation makes no valid trust domain name; build.rs refuses such
/// an organisation already.
pub fn trust_domain(layer: Layer, environment: Environment) -> Result<TrustDomain, SpiffeError> {
    TrustDomain::new(layer, environment.as_str(), ORGANISATION)
}

/// The DNS name of a service: `<service>.<layer>.<environment>.<organisation>`. It finds the
/// service; its SPIFFE ID alone says whether it is the right one.
#[must_use]
pub fn dns_name(layer: Layer, environment: Environment, service: &str) -> String {
    format!("{service}.{layer}.{environment}.{ORGANISATION}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_from_the_organisation() {
        for environment in Environment::ALL {
            for layer in Layer::ALL {
                let domain = trust_domain(layer, environment).unwrap();
                assert_eq!(
                    domain.name(),
                    format!("{layer}.{environment}.{ORGANISATION}")
                );
                assert_eq!(dns_name(layer, environment, "a-b"), format!("a-b.{domain}"));
            }
        }
    }
}
