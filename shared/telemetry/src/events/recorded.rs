//! What of a security event is in the audit trail.

use strata_audit::{Decision, Resource, Verdict, Via};
use strata_core::Label;

use super::{Kind, emit::bounded, record::Record};
use crate::request;

/// The record of an event; none of one that decides about nobody, or that the request's own record tells.
/// What anybody can cause as often as they like is recorded as it is logged: a disk that strangers could
/// fill would stop everybody.
pub(super) fn decision(record: &Record<'_>, is_logged: bool) -> Option<Decision> {
    let verdict = match record.event {
        Kind::ListenerStarved
        | Kind::LimitsUnshared
        | Kind::LimitsShared
        | Kind::LabelReleased
        | Kind::AuditFailed
        | Kind::AuditResumed
        | Kind::MaterialExpiring => return None,
        Kind::PeerLimited | Kind::PeerRefused | Kind::TokenRefused | Kind::RateLimited
            if !is_logged =>
        {
            return None;
        }
        Kind::PeerLimited
        | Kind::PeerRefused
        | Kind::TokenRefused
        | Kind::RateLimited
        | Kind::UpstreamRefused
        | Kind::CallRefused
        | Kind::AccessRefused
        | Kind::PolicyDenied
        | Kind::PolicyRejected
        | Kind::MaterialRefused
        | Kind::IssuerKeysRefused => Verdict::Refused,
        Kind::ExemptionUsed
        | Kind::PolicyAudited
        | Kind::ConfigurationLoaded
        | Kind::PolicyLoaded
        | Kind::PolicyReplaced
        | Kind::MaterialLoaded
        | Kind::MaterialReplaced
        | Kind::IssuerKeysReplaced => Verdict::Allowed,
    };
    let action = record.method.or(record.upstream).or(record.document);
    let action = action.unwrap_or(record.event.as_str());
    let rule = record.policy.or(record.digest).unwrap_or(record.reason);
    let caller = record.caller.map(|caller| bounded(caller).to_owned());
    let resource = |(kind, id): (&'static str, &str)| Resource {
        kind,
        id: id.to_owned(),
    };
    Some(Decision {
        trace: request::current().map(|current| current.trace_id),
        user: record.user.cloned(),
        via: caller.map_or(Via::Nobody, Via::Named),
        action: bounded(action).to_owned().into(),
        resource: record.resource.map(resource),
        released: Label::default(),
        verdict,
        code: record.event.as_str(),
        rule: rule.to_owned().into(),
    })
}
