//! What of a security event is in the audit trail.

use strata_audit::{Decision, Verdict, Via};
use strata_core::Label;

use crate::{
    events::{Record, SecurityEvent, bounded},
    request,
};

/// The record of an event; none of one that decides about nobody, or that the request's own record tells.
/// What anybody can cause as often as they like is recorded as it is logged: a disk that strangers could
/// fill would stop everybody.
pub(crate) fn decision(
    event: &SecurityEvent<'_>,
    record: &Record<'_>,
    is_logged: bool,
) -> Option<Decision> {
    let verdict = match event {
        SecurityEvent::ListenerStarved { .. }
        | SecurityEvent::LimitsUnshared { .. }
        | SecurityEvent::LabelReleased { .. }
        | SecurityEvent::AuditFailed { .. } => return None,
        SecurityEvent::PeerLimited { .. }
        | SecurityEvent::PeerRefused { .. }
        | SecurityEvent::TokenRefused { .. }
        | SecurityEvent::RateLimited { .. }
            if !is_logged =>
        {
            return None;
        }
        SecurityEvent::ExemptionUsed { .. }
        | SecurityEvent::PolicyDenied {
            enforced: false, ..
        } => Verdict::Allowed,
        _ => Verdict::Refused,
    };
    let action = record.method.or(record.upstream).unwrap_or(record.event);
    let caller = record.caller.map(|caller| bounded(caller).to_owned());
    Some(Decision {
        trace: request::current().map(|current| current.trace_id),
        user: record.user.cloned(),
        via: caller.map_or(Via::Nobody, Via::Named),
        action: bounded(action).to_owned().into(),
        resource: None,
        released: Label::default(),
        verdict,
        code: record.event,
        rule: record.policy.unwrap_or(record.reason).to_owned().into(),
    })
}
