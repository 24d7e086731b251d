//! Security events: one type, one way to emit.

use std::{
    net::SocketAddr,
    num::NonZeroU32,
    sync::{Arc, OnceLock},
};

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use opentelemetry::{
    KeyValue,
    metrics::{Counter, Meter},
};
use strata_audit::Trail;
use strata_core::Principal;

use crate::recorded;

/// Bytes of a name that came from outside which are logged: enough to recognise it, too few to
/// fill a disk with.
const NAME_BYTES: usize = 256;

/// Lines a second for one kind of event and one reason, and as many at once. A line costs more than
/// the refusal it tells of, and whoever is refused decides how often: beyond this they are counted.
const LINES: NonZeroU32 = NonZeroU32::new(50).unwrap();

/// The target of security events. No log filter hides it.
pub(crate) const TARGET: &str = "strata::security";

/// Something was refused, or let out that must not go unnoticed. `reason` is a word in snake case that stands in the code: it is also a
/// metric's label, so it must never be made from input.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum SecurityEvent<'a> {
    /// A peer took more than its share of connections, requests or time, and was cut off.
    PeerLimited {
        /// Where it connected from.
        address: SocketAddr,
        /// What it did.
        reason: &'static str,
    },
    /// A peer was refused: at the handshake, or later because what that had proved no longer held. Or a
    /// request was: a proxy does not say whom it speaks for, or speaks for whom it may not.
    PeerRefused {
        /// Where it connected from, or whom a proxy speaks for.
        address: SocketAddr,
        /// Why.
        reason: &'static str,
    },
    /// A listener could not take a connection that was there.
    ListenerStarved {
        /// Of what.
        reason: &'static str,
    },
    /// A service we call did not prove to be the one it should be, or may not be called any more.
    UpstreamRefused {
        /// The service we meant to call.
        upstream: &'a str,
        /// Why.
        reason: &'static str,
    },
    /// A known workload may not call the method.
    CallRefused {
        /// Its SPIFFE ID.
        caller: &'a str,
        /// The path it asked for.
        method: &'a str,
        /// Why.
        reason: &'static str,
    },
    /// A workload called by an exemption from the rule of the layers. Once for each call.
    ExemptionUsed {
        /// Its SPIFFE ID.
        caller: &'a str,
        /// The path it asked for.
        method: &'a str,
    },
    /// An access token was refused.
    TokenRefused {
        /// Where it came from, when known.
        address: Option<SocketAddr>,
        /// Why.
        reason: &'static str,
    },
    /// A user may not see or change the object asked for.
    AccessRefused {
        /// The user; none where there is none.
        user: Option<&'a Arc<Principal>>,
        /// The method that was called.
        method: &'a str,
        /// Why.
        reason: &'static str,
    },
    /// Somebody took more requests than a limit allows.
    RateLimited {
        /// The user that did, where it is theirs that is limited.
        user: Option<&'a Arc<Principal>>,
        /// The workload or the consumer that did; none where only the address is known.
        caller: Option<&'a str>,
        /// Where it connected from, where that is what is limited.
        address: Option<SocketAddr>,
        /// Whose limit it is.
        reason: &'static str,
    },
    /// Replicas cannot count together: each keeps to a stricter limit of its own. Once for each outage.
    LimitsUnshared {
        /// Why.
        reason: &'static str,
    },
    /// The service's policies refuse a call; in audit mode they would, and it goes on.
    PolicyDenied {
        /// The user; none where there is none.
        user: Option<&'a Arc<Principal>>,
        /// The calling workload; none at the edge.
        caller: Option<&'a str>,
        /// The method that was called.
        method: &'a str,
        /// The policy that decided, by its `@id`; none where no policy permitted.
        policy: Option<&'a str>,
        /// Whether the call was refused for it.
        enforced: bool,
        /// Why.
        reason: &'static str,
    },
    /// The audit trail did not take a record.
    AuditFailed {
        /// Why.
        reason: &'static str,
    },
    /// Policies or lists of networks that changed cannot be used: the last good ones stay in force.
    PolicyRejected {
        /// Why.
        reason: &'static str,
    },
    /// An answer let out a value of high sensitivity, to somebody who may have it. Once for each
    /// answer and reason; which value, and about whom, is never said.
    LabelReleased {
        /// The workload that got it; none at the edge.
        caller: Option<&'a str>,
        /// The method that was called.
        method: &'a str,
        /// What was let out.
        reason: &'static str,
    },
}

/// The same for every event, so that there is one line, one counter and one record. The user is for the
/// audit trail alone.
#[derive(Default)]
pub(crate) struct Record<'a> {
    pub(crate) event: &'static str,
    pub(crate) reason: &'static str,
    pub(crate) address: Option<SocketAddr>,
    pub(crate) upstream: Option<&'a str>,
    pub(crate) caller: Option<&'a str>,
    pub(crate) method: Option<&'a str>,
    pub(crate) policy: Option<&'a str>,
    pub(crate) user: Option<&'a Arc<Principal>>,
}

impl<'a> From<&SecurityEvent<'a>> for Record<'a> {
    fn from(event: &SecurityEvent<'a>) -> Self {
        let empty = Self::default();
        match *event {
            SecurityEvent::PeerLimited { address, reason } => Self {
                event: "peer_limited",
                reason,
                address: Some(address),
                ..empty
            },
            SecurityEvent::PeerRefused { address, reason } => Self {
                event: "peer_refused",
                reason,
                address: Some(address),
                ..empty
            },
            SecurityEvent::ListenerStarved { reason } => Self {
                event: "listener_starved",
                reason,
                ..empty
            },
            SecurityEvent::UpstreamRefused { upstream, reason } => Self {
                event: "upstream_refused",
                reason,
                upstream: Some(upstream),
                ..empty
            },
            SecurityEvent::CallRefused {
                caller,
                method,
                reason,
            } => Self {
                event: "call_refused",
                reason,
                caller: Some(caller),
                method: Some(method),
                ..empty
            },
            SecurityEvent::ExemptionUsed { caller, method } => Self {
                event: "exemption_used",
                reason: "layer_passed_over",
                caller: Some(caller),
                method: Some(method),
                ..empty
            },
            SecurityEvent::TokenRefused { address, reason } => Self {
                event: "token_refused",
                reason,
                address,
                ..empty
            },
            SecurityEvent::AccessRefused {
                user,
                method,
                reason,
            } => Self {
                event: "access_refused",
                reason,
                user,
                method: Some(method),
                ..empty
            },
            SecurityEvent::RateLimited {
                user,
                caller,
                address,
                reason,
            } => Self {
                event: "rate_limited",
                reason,
                user,
                caller,
                address,
                ..empty
            },
            SecurityEvent::LimitsUnshared { reason } => Self {
                event: "limits_unshared",
                reason,
                ..empty
            },
            SecurityEvent::PolicyDenied {
                user,
                caller,
                method,
                policy,
                enforced,
                reason,
            } => Self {
                event: if enforced {
                    "policy_denied"
                } else {
                    "policy_audited"
                },
                reason,
                user,
                caller,
                method: Some(method),
                policy,
                ..empty
            },
            SecurityEvent::AuditFailed { reason } => Self {
                event: "audit_failed",
                reason,
                ..empty
            },
            SecurityEvent::PolicyRejected { reason } => Self {
                event: "policy_rejected",
                reason,
                ..empty
            },
            SecurityEvent::LabelReleased {
                caller,
                method,
                reason,
            } => Self {
                event: "label_released",
                reason,
                caller,
                method: Some(method),
                ..empty
            },
        }
    }
}

/// Emits security events. Cheap to clone, which each layer of a stack is for each request.
#[derive(Clone, Debug)]
pub struct Events(Arc<Emitter>);

#[derive(Debug)]
struct Emitter {
    counter: Counter<u64>,
    unlogged: Counter<u64>,
    lines: DefaultKeyedRateLimiter<(&'static str, &'static str)>,
    trail: OnceLock<Trail>,
}

impl Events {
    /// Counts on the given meter, as `strata_security_events_total{event,reason}`, and as
    /// `strata_security_events_unlogged_total` those of them that were too many to log.
    #[must_use]
    pub fn new(meter: &Meter) -> Self {
        let counter = |name, description| {
            let counter = meter.u64_counter(name);
            counter.with_description(description).build()
        };
        Self(Arc::new(Emitter {
            counter: counter(
                "strata_security_events",
                "Security events by kind and reason.",
            ),
            unlogged: counter(
                "strata_security_events_unlogged",
                "Security events that were too many in a second to be logged as well.",
            ),
            lines: RateLimiter::keyed(Quota::per_second(LINES)),
            trail: OnceLock::new(),
        }))
    }

    /// Records events in this trail from now on, those of every clone of this.
    pub fn record_to(&self, trail: Trail) {
        // There is one trail in a process, and it stays.
        let _ = self.0.trail.set(trail);
    }

    /// Counts one event, records it, and logs it unless there are too many like it.
    pub fn emit(&self, event: &SecurityEvent<'_>) {
        let record = Record::from(event);
        let is_logged = self.count(&record);
        let Some(trail) = self.0.trail.get() else {
            return;
        };
        if let Some(decision) = recorded::decision(event, &record, is_logged)
            && let Err(failed) = trail.note(decision)
        {
            // Of this there is no record, so it ends here.
            self.emit(&SecurityEvent::AuditFailed {
                reason: failed.reason(),
            });
        }
    }

    /// Gives whether it was logged.
    fn count(&self, record: &Record<'_>) -> bool {
        let Self(emitter) = self;
        let labels = [
            KeyValue::new("event", record.event),
            KeyValue::new("reason", record.reason),
        ];
        emitter.counter.add(1, &labels);
        if emitter
            .lines
            .check_key(&(record.event, record.reason))
            .is_err()
        {
            emitter.unlogged.add(1, &labels);
            return false;
        }
        tracing::warn!(
            target: TARGET,
            event = record.event,
            reason = record.reason,
            address = record.address.map(display),
            upstream = record.upstream.map(bounded),
            caller = record.caller.map(bounded),
            method = record.method.map(bounded),
            policy = record.policy.map(bounded),
            "security event"
        );
        true
    }
}

pub(crate) fn bounded(name: &str) -> &str {
    name.get(..name.floor_char_boundary(NAME_BYTES))
        .unwrap_or_default()
}
