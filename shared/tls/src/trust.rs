//! Whom a service trusts: the layers beside its own, and of others a single service by exemption.

use std::collections::BTreeSet;

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
    /// Of other layers these services, and no other of theirs.
    pub exempted: Exempted,
    /// Whether a revocation list past its date still counts, or nobody of that layer is trusted
    /// until there is a newer one.
    pub accept_stale_crls: bool,
}

/// Services that are exempted from the rule of the layers, on either side. Their trust is this: that
/// one SPIFFE ID, vouched for by the CAs of its layer. When it ends is not asked of a handshake.
#[derive(Clone, Debug, Default)]
pub struct Exempted {
    /// Those that may call this one.
    pub callers: Vec<SpiffeId>,
    /// Those that this one may call.
    pub callees: Vec<SpiffeId>,
}

impl Trust {
    pub(crate) fn caller_bundles(&self) -> Vec<Bundle> {
        bundles(&self.callers, &self.exempted.callers)
    }

    pub(crate) fn callee_bundles(&self) -> Vec<Bundle> {
        bundles(&self.callees, &self.exempted.callees)
    }

    /// Whose transaction tokens it believes. An Experience API makes tokens and takes none.
    pub(crate) fn token_bundles(&self) -> Vec<Bundle> {
        match self.own.layer() {
            Layer::Experience => Vec::new(),
            Layer::Process | Layer::System => vec![Bundle::of_tokens(&self.own.trust_domain())],
        }
    }

    /// Whose audit trails it believes: those of its environment, its own among them.
    pub(crate) fn audit_bundles(&self) -> Vec<Bundle> {
        Bundle::of_audit(&self.own.trust_domain())
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
        let Exempted { callers, callees } = &self.exempted;
        let mut exempted_callers = callers.iter().map(SpiffeId::layer);
        let mut exempted_callees = callees.iter().map(SpiffeId::layer);
        let wrong = wrong_caller
            .or(wrong_callee)
            .map(TrustDomain::layer)
            .or_else(|| exempted_callers.find(|layer| !layer.may_be_exempted(own)))
            .or_else(|| exempted_callees.find(|layer| !own.may_be_exempted(*layer)));
        wrong.map_or(Ok(()), |other| Err(MaterialError::Trust { own, other }))
    }
}

/// Those of whole trust domains, then one for each in which only some are exempted.
fn bundles(domains: &[TrustDomain], exempted: &[SpiffeId]) -> Vec<Bundle> {
    let of_some: BTreeSet<_> = exempted.iter().map(SpiffeId::trust_domain).collect();
    let some = |domain: TrustDomain| {
        let members = exempted.iter().filter(|id| id.trust_domain() == domain);
        Bundle::of_layer(&domain).only(members.cloned().collect())
    };
    let whole = domains.iter().map(Bundle::of_layer);
    whole.chain(of_some.into_iter().map(some)).collect()
}
