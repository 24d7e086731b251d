//! What is asked, and what the answer is.

use std::{
    hash::{Hash, Hasher},
    net::IpAddr,
    sync::Arc,
};

use quick_cache::Equivalent;
use strata_core::{Object, Principal, SpiffeId};

use crate::reads::Reads;

/// Who asks, for whom, from where.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The calling workload; none at the edge.
    pub caller: Option<&'a SpiffeId>,
    /// The user the request acts for.
    pub user: Option<&'a Arc<Principal>>,
    /// Where the peer connected from.
    pub network: Option<IpAddr>,
}

/// The answer is no. For the security event alone: a client is told nothing of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denied {
    /// Why: `forbidden`, `not_permitted`, `policy_error`.
    pub reason: &'static str,
    /// The policy that decided, by its `@id`; none where none permitted.
    pub policy: Option<Arc<str>>,
}

impl Denied {
    /// No policy permits it.
    pub(crate) const NOT_PERMITTED: Self = Self {
        reason: "not_permitted",
        policy: None,
    };

    /// A policy was not decided, or the question could not be put. Cedar skips such a policy, which
    /// would open the door where it is a `forbid`.
    pub(crate) const fn error(policy: Option<Arc<str>>) -> Self {
        Self {
            reason: "policy_error",
            policy,
        }
    }

    pub(crate) const fn forbidden(policy: Option<Arc<str>>) -> Self {
        Self {
            reason: "forbidden",
            policy,
        }
    }
}

/// Everything a lasting decision depends on beside the policies: what decides, caller, user, and of the
/// user's sign-in what is read.
#[derive(Clone, Copy)]
pub(crate) struct Question<'a> {
    slice: usize,
    caller: Option<&'a SpiffeId>,
    user: Option<&'a Arc<Principal>>,
    reads: Reads,
    age: Option<u64>,
}

/// A [`Question`] that is kept.
pub(crate) struct Key {
    slice: usize,
    caller: Option<SpiffeId>,
    user: Option<Arc<Principal>>,
    reads: Reads,
    age: Option<u64>,
}

impl<'a> Question<'a> {
    pub(crate) const fn new(
        slice: usize,
        facts: &Facts<'a>,
        reads: Reads,
        age: Option<u64>,
    ) -> Self {
        Self {
            slice,
            caller: facts.caller,
            user: facts.user,
            reads,
            age,
        }
    }

    fn parts(&self) -> impl Eq + Hash + '_ {
        let user = self.user.map(|user| {
            let Principal {
                subject,
                roles,
                scopes,
                region,
                tenant,
                authentication,
                // Policies do not speak of it.
                clearance: _,
            } = &**user;
            let level = self.reads.any(Reads::LEVEL);
            let methods = self.reads.any(Reads::METHODS);
            let risk = self.reads.any(Reads::RISK);
            let sign_in = (
                level.then_some(&authentication.level),
                methods.then_some(&authentication.methods),
                risk.then_some(authentication.risk),
            );
            (subject, roles, scopes, region, tenant, sign_in)
        });
        (self.slice, self.caller, user, self.age)
    }
}

impl Key {
    fn question(&self) -> Question<'_> {
        Question {
            slice: self.slice,
            caller: self.caller.as_ref(),
            user: self.user.as_ref(),
            reads: self.reads,
            age: self.age,
        }
    }
}

impl From<Question<'_>> for Key {
    fn from(question: Question<'_>) -> Self {
        Self {
            slice: question.slice,
            caller: question.caller.cloned(),
            user: question.user.cloned(),
            reads: question.reads,
            age: question.age,
        }
    }
}

impl PartialEq for Question<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.parts() == other.parts()
    }
}

impl Hash for Question<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.parts().hash(state);
    }
}

impl Equivalent<Key> for Question<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        *self == key.question()
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.question() == other.question()
    }
}

impl Eq for Key {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.question().hash(state);
    }
}

/// Whether an object is reached: the question, and of the object what policies know. Its kind is that of
/// what decides.
#[derive(PartialEq, Hash)]
pub(crate) struct Reach<'a> {
    question: Question<'a>,
    owner: &'a str,
    region: &'a str,
    tenant: &'a str,
}

/// A [`Reach`] that is kept, because the object was.
#[derive(PartialEq, Eq, Hash)]
pub(crate) struct Reached {
    key: Key,
    owner: Box<str>,
    region: Box<str>,
    tenant: Box<str>,
}

impl<'a> Reach<'a> {
    pub(crate) const fn new(question: Question<'a>, object: &Object<'a>) -> Self {
        // All of it, so that what policies come to know of objects is not forgotten here.
        let Object {
            kind: _,
            owner,
            region,
            tenant,
        } = *object;
        Self {
            question,
            owner,
            region,
            tenant,
        }
    }
}

impl From<Reach<'_>> for Reached {
    fn from(reach: Reach<'_>) -> Self {
        Self {
            key: reach.question.into(),
            owner: reach.owner.into(),
            region: reach.region.into(),
            tenant: reach.tenant.into(),
        }
    }
}

impl Equivalent<Reached> for Reach<'_> {
    fn equivalent(&self, reached: &Reached) -> bool {
        *self
            == Reach {
                question: reached.key.question(),
                owner: &reached.owner,
                region: &reached.region,
                tenant: &reached.tenant,
            }
    }
}

#[cfg(test)]
mod tests {
    use strata_core::{Authentication, Clearance};

    use super::*;

    fn key(reads: Reads, authentication: Authentication, age: Option<u64>) -> Key {
        let user = Arc::new(Principal {
            subject: "ann".to_owned(),
            roles: Vec::new(),
            scopes: Vec::new(),
            region: None,
            tenant: None,
            clearance: Clearance::default(),
            authentication,
        });
        let facts = Facts {
            caller: None,
            user: Some(&user),
            network: None,
        };
        Question::new(0, &facts, reads, age).into()
    }

    #[test]
    fn users_of_different_regions_and_tenants_share_no_decision() {
        let key = |region: Option<&str>, tenant: Option<&str>| {
            let user = Arc::new(Principal {
                subject: "ann".to_owned(),
                roles: Vec::new(),
                scopes: Vec::new(),
                region: region.map(str::to_owned),
                tenant: tenant.map(str::to_owned),
                clearance: Clearance::default(),
                authentication: Authentication::default(),
            });
            let facts = Facts {
                caller: None,
                user: Some(&user),
                network: None,
            };
            Key::from(Question::new(0, &facts, Reads::CALLER, None))
        };
        let one = || key(Some("uk"), Some("teahouse"));
        assert!(one() == one());
        for other in [
            key(Some("uk"), Some("roastery")),
            key(Some("uk"), None),
            key(Some("de"), Some("teahouse")),
            key(Some("teahouse"), Some("uk")),
            key(None, Some("teahouse")),
        ] {
            assert!(one() != other);
        }
    }

    #[test]
    fn of_a_sign_in_only_what_is_read_tells_decisions_apart() {
        let unknown = Authentication::default;
        for (reads, other) in [
            (
                Reads::LEVEL,
                Authentication {
                    level: Some("high".to_owned()),
                    ..unknown()
                },
            ),
            (
                Reads::METHODS,
                Authentication {
                    methods: vec!["otp".to_owned()],
                    ..unknown()
                },
            ),
            (
                Reads::RISK,
                Authentication {
                    risk: Some(1),
                    ..unknown()
                },
            ),
        ] {
            let key = |reads, authentication| key(reads, authentication, None);
            assert!(key(Reads::CALLER, unknown()) == key(Reads::CALLER, other.clone()));
            assert!(key(reads, unknown()) != key(reads, other));
        }
        let minute = |age| key(Reads::AGE, unknown(), Some(age));
        assert!(minute(60) == minute(60) && minute(60) != minute(120));
    }
}
