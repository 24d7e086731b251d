//! What is asked, and what the answer is.

use std::{
    hash::{Hash, Hasher},
    net::IpAddr,
    sync::Arc,
};

use strata_core::{Principal, SpiffeId};

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

/// Everything a lasting decision depends on beside the policies: action, caller and user.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Key {
    action: usize,
    caller: Option<SpiffeId>,
    user: Option<Arc<Principal>>,
}

impl Key {
    pub(crate) fn new(action: usize, facts: &Facts<'_>) -> Self {
        Self {
            action,
            caller: facts.caller.cloned(),
            user: facts.user.cloned(),
        }
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.action.hash(state);
        self.caller.hash(state);
        if let Some(user) = &self.user {
            (&user.subject, &user.roles, &user.scopes, &user.region).hash(state);
        }
    }
}
