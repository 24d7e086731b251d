//! Whom a service trusts: the layers beside its own, and no other.

use strata_core::{Layer, SpiffeId, TrustDomain};

use crate::{anchors::Bundle, error::MaterialError};

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
    pub(crate) fn caller_bundles(&self) -> Vec<Bundle> {
        self.callers.iter().map(Bundle::of_layer).collect()
    }

    pub(crate) fn callee_bundles(&self) -> Vec<Bundle> {
        self.callees.iter().map(Bundle::of_layer).collect()
    }

    /// Whose transaction tokens it believes. An Experience API makes tokens and takes none.
    pub(crate) fn token_bundles(&self) -> Vec<Bundle> {
        match self.own.layer() {
            Layer::Experience => Vec::new(),
            Layer::Process | Layer::System => vec![Bundle::of_tokens(&self.own.trust_domain())],
        }
    }

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
