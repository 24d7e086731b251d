//! The service's audit trail: opened before a port is bound, closed when the last request has ended.

use strata_audit::{Keeper, ResourceKey, Trail};
use strata_config::Config;
use strata_telemetry::{Events, SecurityEvent};
use strata_tls::{MASK_KEY, Material};

use crate::error::StartError;

/// Continues the trail that the configuration names. From now on what is refused is recorded too.
pub(crate) fn open(
    config: &Config,
    material: &Material,
    events: &Events,
) -> Result<(Trail, Keeper), StartError> {
    let key = strata_tls::read_private(&config.tls.material.join(MASK_KEY))?;
    let key = ResourceKey::derived(&key);
    let (trail, keeper) = Trail::open(
        config.audit.clone(),
        material.id(),
        key.clone(),
        material.audit_signer(),
        &material.auditors(),
    )?;
    events.record_to(trail.clone(), key);
    Ok((trail, keeper))
}

/// Tells when the trail cannot be written any more, and when it can again, for ever.
pub(crate) async fn watch(trail: Trail, events: Events) {
    let mut sound = trail.sound();
    while sound.changed().await.is_ok() {
        if *sound.borrow_and_update() {
            events.emit(&SecurityEvent::AuditResumed);
        } else {
            events.emit(&SecurityEvent::AuditFailed {
                reason: "not_writable",
            });
        }
    }
}
