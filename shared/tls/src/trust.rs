//! Whom a service trusts: the layers beside its own, and no other.

use strata_core::{SpiffeId, TrustDomain};

use crate::error::MaterialError;

/// Who a service is, who may call it, whom it calls.
#[derive(Clone, Debug)]
pub struct Trust {
    /// The service's own identity.
    pub own: SpiffeId,
    /// Trust domains of the layers that may call it: one per layer.
    pub callers: Vec<TrustDomain>,
    /// Trust domains of the layers it may call: one per layer.
    pub callees: Vec<TrustDomain>,
    /// Whether a revocation list past its date still counts, or nobody of that layer is trusted
    /// until there is a newer one.
    pub accept_stale_crls: bool,
}

impl Trust {
    /// Refuses a trust that breaks the rule of the layers, whoever composed it.
    pub(crate) fn check(&self) -> Result<(), MaterialError> {
        let own = self.own.layer();
        let wrong_caller = self
            .callers
            .iter()
            .find(|domain| !domain.layer().may_call(own));
        let wrong_callee = self
            .callees
            .iter()
            .find(|domain| !own.may_call(domain.layer()));
        wrong_caller.or(wrong_callee).map_or(Ok(()), |domain| {
            Err(MaterialError::Trust {
                own,
                other: domain.layer(),
            })
        })
    }
}
