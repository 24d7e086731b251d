//! What an event says, the same fields for all.

use std::{net::SocketAddr, sync::Arc, time::SystemTime};

use strata_core::{Label, Principal};

use super::{Kind, Named, Part, SecurityEvent, Who};

/// What the issuer's keys are called where a file would be named.
const ISSUER_KEYS: &str = "jwks";

/// What the configuration is called there.
const CONFIGURATION: &str = "config";

/// The same for every event, so that there is one line, one counter and one record.
pub(super) struct Record<'a> {
    pub(super) event: Kind,
    pub(super) reason: &'static str,
    pub(super) address: Option<SocketAddr>,
    pub(super) upstream: Option<&'a str>,
    pub(super) caller: Option<&'a str>,
    pub(super) user: Option<&'a Arc<Principal>>,
    pub(super) method: Option<&'a str>,
    pub(super) policy: Option<&'a str>,
    pub(super) resource: Option<Named<'a>>,
    pub(super) label: Option<Label>,
    pub(super) document: Option<&'a str>,
    pub(super) digest: Option<&'a str>,
    pub(super) expires: Option<SystemTime>,
}

impl<'a> Record<'a> {
    const fn of(event: Kind, reason: &'static str) -> Self {
        Self {
            event,
            reason,
            address: None,
            upstream: None,
            caller: None,
            user: None,
            method: None,
            policy: None,
            resource: None,
            label: None,
            document: None,
            digest: None,
            expires: None,
        }
    }

    const fn by(self, who: Who<'a>) -> Self {
        Self {
            address: who.address,
            caller: who.caller,
            user: who.user,
            ..self
        }
    }

    const fn document(self, document: &'a str, digest: Option<&'a str>) -> Self {
        Self {
            document: Some(document),
            digest,
            ..self
        }
    }

    const fn part(event: Kind, part: Part<'a>) -> Self {
        Self {
            expires: Some(part.expires),
            ..Self::of(event, part.name).document(part.name, Some(part.digest))
        }
    }
}

impl<'a> From<&SecurityEvent<'a>> for Record<'a> {
    fn from(event: &SecurityEvent<'a>) -> Self {
        match *event {
            SecurityEvent::PeerLimited { address, reason } => Self {
                address: Some(address),
                ..Self::of(Kind::PeerLimited, reason)
            },
            SecurityEvent::PeerRefused { address, reason } => Self {
                address: Some(address),
                ..Self::of(Kind::PeerRefused, reason)
            },
            SecurityEvent::ListenerStarved { reason } => Self::of(Kind::ListenerStarved, reason),
            SecurityEvent::UpstreamRefused { upstream, reason } => Self {
                upstream: Some(upstream),
                ..Self::of(Kind::UpstreamRefused, reason)
            },
            SecurityEvent::CallRefused {
                who,
                method,
                resource,
                reason,
            } => Self {
                method: Some(method),
                resource,
                ..Self::of(Kind::CallRefused, reason).by(who)
            },
            SecurityEvent::ExemptionUsed { who, method } => Self {
                method: Some(method),
                ..Self::of(Kind::ExemptionUsed, "layer_passed_over").by(who)
            },
            SecurityEvent::TokenRefused { address, reason } => Self {
                address,
                ..Self::of(Kind::TokenRefused, reason)
            },
            SecurityEvent::AccessRefused {
                who,
                method,
                reason,
            } => Self {
                method: Some(method),
                ..Self::of(Kind::AccessRefused, reason).by(who)
            },
            SecurityEvent::RateLimited { who, reason } => {
                Self::of(Kind::RateLimited, reason).by(who)
            }
            SecurityEvent::LimitsUnshared { reason } => Self::of(Kind::LimitsUnshared, reason),
            SecurityEvent::LimitsShared { reason } => Self::of(Kind::LimitsShared, reason),
            SecurityEvent::PolicyDenied {
                who,
                method,
                resource,
                policy,
                enforced,
                reason,
            } => {
                let event = if enforced {
                    Kind::PolicyDenied
                } else {
                    Kind::PolicyAudited
                };
                Self {
                    method: Some(method),
                    resource,
                    policy,
                    ..Self::of(event, reason).by(who)
                }
            }
            SecurityEvent::LabelReleased {
                who,
                method,
                resource,
                label,
                reason,
            } => Self {
                method: Some(method),
                resource,
                label: Some(label),
                ..Self::of(Kind::LabelReleased, reason).by(who)
            },
            SecurityEvent::AuditFailed { reason } => Self::of(Kind::AuditFailed, reason),
            SecurityEvent::AuditResumed => Self::of(Kind::AuditResumed, "writable"),
            SecurityEvent::ConfigurationLoaded { digest } => {
                Self::of(Kind::ConfigurationLoaded, "start").document(CONFIGURATION, Some(digest))
            }
            SecurityEvent::PolicyLoaded { document, digest } => {
                Self::of(Kind::PolicyLoaded, "start").document(document, Some(digest))
            }
            SecurityEvent::PolicyReplaced {
                document,
                digest,
                reason,
            } => Self::of(Kind::PolicyReplaced, reason).document(document, Some(digest)),
            SecurityEvent::PolicyRejected { document, reason } => {
                Self::of(Kind::PolicyRejected, reason).document(document, None)
            }
            SecurityEvent::MaterialLoaded(part) => Self::part(Kind::MaterialLoaded, part),
            SecurityEvent::MaterialReplaced(part) => Self::part(Kind::MaterialReplaced, part),
            SecurityEvent::MaterialRefused { document, reason } => Self {
                document,
                ..Self::of(Kind::MaterialRefused, reason)
            },
            SecurityEvent::MaterialExpiring(part) => Self::part(Kind::MaterialExpiring, part),
            SecurityEvent::IssuerKeysReplaced { digest, reason } => {
                Self::of(Kind::IssuerKeysReplaced, reason).document(ISSUER_KEYS, Some(digest))
            }
            SecurityEvent::IssuerKeysRefused { reason } => {
                Self::of(Kind::IssuerKeysRefused, reason).document(ISSUER_KEYS, None)
            }
        }
    }
}
