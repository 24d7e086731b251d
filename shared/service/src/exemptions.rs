//! The service's exemptions from the rule of the layers, those it calls by and those it is called by:
//! told at every start, so that none is forgotten.

use std::path::Path;

use strata_config::{Environment, Exemption, Manifest, trust_domain};
use strata_core::{Layer, SpiffeId};
use strata_policy::CallersFile;
use strata_tls::Exempted;

use crate::error::StartError;

/// Whom they make known to this service.
pub(crate) fn trust(manifest: &Manifest, environment: Environment) -> Result<Exempted, StartError> {
    let callers = CallersFile::load(Path::new("policy/callers.toml"), manifest.layer)?;
    let callers = callers.exempted().map(|(caller, exemption)| {
        let caller = workload(caller.layer, &caller.service, environment)?;
        tell("this service is called by an exemption", &caller, exemption);
        Ok(caller)
    });
    let callees = manifest.exemptions.iter().map(|callee| {
        let exemption = callee.exemption();
        let callee = workload(callee.layer, &callee.service, environment)?;
        tell("this service calls by an exemption", &callee, &exemption);
        Ok(callee)
    });
    Ok(Exempted {
        callers: callers.collect::<Result<_, StartError>>()?,
        callees: callees.collect::<Result<_, StartError>>()?,
    })
}

fn workload(layer: Layer, service: &str, environment: Environment) -> Result<SpiffeId, StartError> {
    Ok(trust_domain(layer, environment)?.workload(service)?)
}

fn tell(what: &str, peer: &SpiffeId, exemption: &Exemption) {
    let Exemption {
        owner,
        reason,
        expires,
    } = exemption;
    tracing::warn!(%peer, owner, reason, %expires, over = expires.is_over(), "{what}");
}
