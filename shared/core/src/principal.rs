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
    /// The labels the user may see.
    pub clearance: Clearance,
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
