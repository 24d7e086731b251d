//! The user a request acts for.

use crate::label::Clearance;

/// A signed-in user, as the edge established it. Handlers read it from [`crate::Call`]; they never
/// see how it travelled.
#[derive(Clone, PartialEq, Eq)]
pub struct Principal {
    /// The token's `sub`: the id of the user (for customers, the customer id).
    pub subject: String,
    /// Roles the issuer gave.
    pub roles: Vec<String>,
    /// OAuth scopes of the token.
    pub scopes: Vec<String>,
    /// The region whose data the user may see, when bound to one.
    pub region: Option<String>,
    /// The tenant whose data the user may see, when bound to one.
    pub tenant: Option<String>,
    /// The labels the user may see.
    pub clearance: Clearance,
    /// How the user signed in.
    pub authentication: Authentication,
}

/// How a user signed in, as far as the issuer says: what it leaves out is not known, and no policy that
/// reads it permits anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Authentication {
    /// `acr`: the class of the sign-in, in the issuer's own words (OpenID Connect Core 1.0, section 2).
    pub level: Option<String>,
    /// `amr`: by what means (RFC 8176).
    pub methods: Vec<String>,
    /// `auth_time`: when, in seconds since 1970.
    pub time: Option<u64>,
    /// How risky the issuer takes the sign-in to be, 0 to 100.
    pub risk: Option<u8>,
}

impl Authentication {
    /// The greatest risk.
    pub const MAX_RISK: u8 = 100;

    /// For how long the user has been signed in at `now`, both in seconds: in whole minutes, one that has
    /// begun counted as a whole, so that it is never shorter than it is.
    #[must_use]
    pub fn age(&self, now: u64) -> Option<u64> {
        let age = now.saturating_sub(self.time?);
        Some(age.div_ceil(60).saturating_mul(60))
    }
}

impl Principal {
    /// Whether the user has the role.
    #[must_use]
    pub fn has_role(&self, role: &str) -> bool {
        self.roles.iter().any(|have| have == role)
    }

    /// Whether the token carries every one of the scopes, which are separated by a space.
    #[must_use]
    pub fn has_scopes(&self, scopes: &str) -> bool {
        scopes
            .split_ascii_whitespace()
            .all(|scope| self.scopes.iter().any(|have| have == scope))
    }

    /// The same user with at most these scopes, separated by a space, and at most this clearance.
    #[must_use]
    pub fn narrowed_to(&self, scopes: &str, clearance: Clearance) -> Self {
        let kept = |scope: &&String| scopes.split_ascii_whitespace().any(|kept| kept == *scope);
        Self {
            scopes: self.scopes.iter().filter(kept).cloned().collect(),
            clearance: self.clearance.narrowed_to(clearance),
            subject: self.subject.clone(),
            roles: self.roles.clone(),
            region: self.region.clone(),
            tenant: self.tenant.clone(),
            authentication: self.authentication.clone(),
        }
    }
}

/// The subject identifies a person, so only the shape is shown.
impl std::fmt::Debug for Principal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Principal")
            .field("roles", &self.roles)
            .field("scopes", &self.scopes)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::label::{Category, Label, Sensitivity};

    fn user() -> Principal {
        let label = Label::new(Sensitivity::Restricted, &[Category::Personal]);
        Principal {
            subject: "cus_1".to_owned(),
            roles: vec!["agent".to_owned(), "lead".to_owned()],
            scopes: vec!["a:read".to_owned(), "b:read".to_owned()],
            region: Some("uk".to_owned()),
            tenant: Some("brand".to_owned()),
            clearance: Clearance(label),
            authentication: Authentication {
                risk: Some(7),
                ..Authentication::default()
            },
        }
    }

    #[test]
    fn a_user_has_the_roles_and_scopes_that_are_named_and_no_others() {
        assert!(user().has_role("lead") && !user().has_role("lea") && !user().has_role(""));
        for scopes in ["", "a:read", "b:read a:read", " a:read  a:read "] {
            assert!(user().has_scopes(scopes), "{scopes}");
        }
        for scopes in ["c:read", "a:read c:read", "a:read,b:read", "A:READ"] {
            assert!(!user().has_scopes(scopes), "{scopes}");
        }
    }

    #[test]
    fn narrowing_takes_scopes_and_labels_away_and_nothing_else() {
        let public = Clearance(Label::new(Sensitivity::Public, &[Category::Personal]));
        let narrowed = user().narrowed_to("b:read c:read", public);
        let expected = Principal {
            scopes: vec!["b:read".to_owned()],
            clearance: public,
            ..user()
        };
        assert!(narrowed == expected);
        assert!(user().narrowed_to("a:read b:read", user().clearance) == user());
        assert!(user().narrowed_to("", user().clearance).scopes.is_empty());
    }

    #[test]
    fn a_user_is_printed_without_who_it_is() {
        assert_eq!(
            format!("{:?}", user()),
            r#"Principal { roles: ["agent", "lead"], scopes: ["a:read", "b:read"], .. }"#
        );
    }

    #[test]
    fn a_sign_in_is_never_younger_than_it_is() {
        let signed_in = Authentication {
            time: Some(1_000),
            ..Authentication::default()
        };
        for (now, age) in [(900, 0), (1_000, 0), (1_001, 60), (1_060, 60), (1_061, 120)] {
            assert_eq!(signed_in.age(now), Some(age), "{now}");
        }
        assert_eq!(Authentication::default().age(1_000), None);
    }
}
