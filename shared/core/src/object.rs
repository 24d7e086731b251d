//! Objects that belong to somebody, and the one check that stands before them.

use crate::{
    error::{Error, ErrorCode},
    principal::Principal,
};

/// The role of people who serve the users of their region.
pub const AGENT: &str = "agent";

/// An object that belongs to a user and a region: what the check compares with a principal.
pub trait Owned {
    /// The id of the user it belongs to.
    fn owner(&self) -> &str;
    /// The region it belongs to.
    fn region(&self) -> &str;
}

impl Principal {
    /// Users reach their own objects, agents those of their region, nobody else any.
    #[must_use]
    pub fn may_reach(&self, object: &impl Owned) -> bool {
        self.subject == object.owner()
            || (self.has_role(AGENT) && self.region.as_deref() == Some(object.region()))
    }
}

/// An object as a store read it, of which nothing can be seen or changed before the check. A write
/// reads it inside its transaction, so that what was checked is what is changed.
pub struct Unchecked<T>(T);

impl<T: Owned> Unchecked<T> {
    /// Closes an object.
    #[must_use]
    pub const fn new(object: T) -> Self {
        Self(object)
    }

    /// The object, for a user who may reach it. There is no other way to it.
    ///
    /// # Errors
    /// `NotFound`: somebody else's object answers exactly like a missing one.
    pub fn open(self, principal: &Principal) -> Result<T, Error> {
        if principal.may_reach(&self.0) {
            Ok(self.0)
        } else {
            Err(ErrorCode::NotFound.into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Clearance;

    struct Parcel;

    impl Owned for Parcel {
        fn owner(&self) -> &'static str {
            "cus_000001"
        }

        fn region(&self) -> &'static str {
            "uk"
        }
    }

    fn user(subject: &str, role: &str, region: Option<&str>) -> Principal {
        Principal {
            subject: subject.to_owned(),
            roles: vec![role.to_owned()],
            scopes: Vec::new(),
            region: region.map(str::to_owned),
            clearance: Clearance::default(),
        }
    }

    #[test]
    fn users_reach_their_own_and_agents_their_region() {
        for (principal, reaches) in [
            (user("cus_000001", "customer", None), true),
            (user("cus_000002", "customer", Some("uk")), false),
            (user("agent-7", AGENT, Some("uk")), true),
            (user("agent-7", AGENT, Some("de")), false),
            (user("agent-7", AGENT, None), false),
        ] {
            assert_eq!(principal.may_reach(&Parcel), reaches, "{principal:?}");
            let opened = Unchecked::new(Parcel).open(&principal);
            assert_eq!(opened.err(), (!reaches).then(|| ErrorCode::NotFound.into()));
        }
    }
}
