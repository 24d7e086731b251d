//! Security events: one type, one way to emit.

use std::net::SocketAddr;

use opentelemetry::{
    KeyValue,
    metrics::{Counter, Meter},
};

/// Bytes of a name that came from outside which are logged: enough to recognise it, too few to
/// fill a disk with.
const NAME_BYTES: usize = 256;

/// The target of security events. No log filter hides it.
pub(crate) const TARGET: &str = "strata::security";

/// Something was refused. `reason` is a word in snake case that stands in the code: it is also a
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
    /// A peer was refused: at the handshake, or later because what that had proved no longer held.
    PeerRefused {
        /// Where it connected from.
        address: SocketAddr,
        /// Why.
        reason: &'static str,
    },
    /// A service we call did not prove to be the one it should be.
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
    /// An access token was refused.
    TokenRefused {
        /// Where it came from, when known.
        address: Option<SocketAddr>,
        /// Why.
        reason: &'static str,
    },
    /// A user may not see or change the object asked for.
    AccessRefused {
        /// The method that was called.
        method: &'a str,
        /// Why.
        reason: &'static str,
    },
}

/// The same for every event, so that there is one line and one counter.
#[derive(Default)]
struct Record<'a> {
    event: &'static str,
    reason: &'static str,
    address: Option<SocketAddr>,
    upstream: Option<&'a str>,
    caller: Option<&'a str>,
    method: Option<&'a str>,
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
            SecurityEvent::TokenRefused { address, reason } => Self {
                event: "token_refused",
                reason,
                address,
                ..empty
            },
            SecurityEvent::AccessRefused { method, reason } => Self {
                event: "access_refused",
                reason,
                method: Some(method),
                ..empty
            },
        }
    }
}

/// Emits security events. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Events {
    counter: Counter<u64>,
}

impl Events {
    /// Counts on the given meter, as `strata_security_events_total{event,reason}`.
    #[must_use]
    pub fn new(meter: &Meter) -> Self {
        let counter = meter
            .u64_counter("strata_security_events")
            .with_description("Security events by kind and reason.")
            .build();
        Self { counter }
    }

    /// Logs and counts one event.
    pub fn emit(&self, event: &SecurityEvent<'_>) {
        let record = Record::from(event);
        tracing::warn!(
            target: TARGET,
            event = record.event,
            reason = record.reason,
            address = record.address.map(display),
            upstream = record.upstream.map(bounded),
            caller = record.caller.map(bounded),
            method = record.method.map(bounded),
            "security event"
        );
        self.counter.add(
            1,
            &[
                KeyValue::new("event", record.event),
                KeyValue::new("reason", record.reason),
            ],
        );
    }
}

fn bounded(name: &str) -> &str {
    name.get(..name.floor_char_boundary(NAME_BYTES))
        .unwrap_or_default()
}
