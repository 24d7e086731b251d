//! Security events: one type, one way to emit, one place that says how OCSF has each.
//!
//! - `kind`: the kinds, and the numbers of OCSF;
//! - `record`: what an event says, the same fields for all;
//! - `emit`: counts, records and logs;
//! - `ocsf`: a line of the log as one event of OCSF;
//! - `recorded`: what of it is in the audit trail.

mod emit;
mod kind;
mod ocsf;
mod record;
mod recorded;

use std::{net::SocketAddr, sync::Arc, time::SystemTime};

use strata_core::{Label, Principal};

pub use emit::Events;
pub use kind::{Kind, Mapping, SAYS};
pub(crate) use ocsf::line;

/// The target of security events. No log filter hides it.
pub(crate) const TARGET: &str = "strata::security";

/// Who asks, through whom and from where, as far as it is known where an event is emitted. A user is in the
/// audit trail by name, and in the log by a keyed hash.
#[derive(Clone, Copy, Debug, Default)]
pub struct Who<'a> {
    /// The user it is for.
    pub user: Option<&'a Arc<Principal>>,
    /// The workload that sent it, by its SPIFFE ID; at the edge the consumer, by its client id.
    pub caller: Option<&'a str>,
    /// Where it came from.
    pub address: Option<SocketAddr>,
}

/// The field that names an object, and its id, which is told as a keyed hash alone.
pub type Named<'a> = (&'static str, &'a str);

/// A decision that must not go unnoticed, or a change of what decisions are made by. `reason` is a word in
/// snake case that stands in the code: it is also a metric's label, so it must never be made from input.
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
    /// A known workload may not call the method, or sent what it may not hold.
    CallRefused {
        /// Who it is.
        who: Who<'a>,
        /// The path it asked for.
        method: &'a str,
        /// The object it names, where the message was read.
        resource: Option<Named<'a>>,
        /// Why.
        reason: &'static str,
    },
    /// A workload called by an exemption from the rule of the layers. Once for each call.
    ExemptionUsed {
        /// Who it is.
        who: Who<'a>,
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
    /// A user may not call the method.
    AccessRefused {
        /// The user, where there is one, and through whom.
        who: Who<'a>,
        /// The method that was called.
        method: &'a str,
        /// Why.
        reason: &'static str,
    },
    /// Somebody took more requests than a limit allows.
    RateLimited {
        /// Who did, as far as that is known where the limit stands.
        who: Who<'a>,
        /// Whose limit it is.
        reason: &'static str,
    },
    /// Replicas cannot count together: each keeps to a stricter limit of its own. Once for each outage.
    LimitsUnshared {
        /// Why.
        reason: &'static str,
    },
    /// Replicas count together again.
    LimitsShared {
        /// Why.
        reason: &'static str,
    },
    /// The service's policies refuse a call; in audit mode they would, and it goes on.
    PolicyDenied {
        /// The user, where there is one, and through whom.
        who: Who<'a>,
        /// The method that was called.
        method: &'a str,
        /// The object that the request names, where that was read.
        resource: Option<Named<'a>>,
        /// The policy that decided, by its `@id`; none where no policy permitted.
        policy: Option<&'a str>,
        /// Whether the call was refused for it.
        enforced: bool,
        /// Why.
        reason: &'static str,
    },
    /// An answer let out a value of high sensitivity, to somebody who may have it. Once for each
    /// answer and reason; which value is never said.
    LabelReleased {
        /// Who got it.
        who: Who<'a>,
        /// The method that was called.
        method: &'a str,
        /// The object that the request names.
        resource: Option<Named<'a>>,
        /// The most that the answer held so far.
        label: Label,
        /// What was let out.
        reason: &'static str,
    },
    /// The audit trail did not take a record.
    AuditFailed {
        /// Why.
        reason: &'static str,
    },
    /// The audit trail is written again.
    AuditResumed,
    /// The service started with this configuration.
    ConfigurationLoaded {
        /// SHA-256 of what `--print-config` prints, in hex digits.
        digest: &'a str,
    },
    /// The service started with this file of its policies.
    PolicyLoaded {
        /// The file, from the service's folder.
        document: &'a str,
        /// SHA-256 of its text, in hex digits.
        digest: &'a str,
    },
    /// A file of policies or the lists of networks that changed is in force.
    PolicyReplaced {
        /// The file, from the service's folder.
        document: &'a str,
        /// SHA-256 of its text, in hex digits.
        digest: &'a str,
        /// What changed: `policies` or `networks`.
        reason: &'static str,
    },
    /// Policies or lists of networks that changed cannot be used: the last good ones stay in force.
    PolicyRejected {
        /// Where they stand, from the service's folder.
        document: &'a str,
        /// Why.
        reason: &'static str,
    },
    /// The service started with this part of its material.
    MaterialLoaded(Part<'a>),
    /// This part of the material was replaced.
    MaterialReplaced(Part<'a>),
    /// Material that changed cannot be used: the last good one stays in force until it expires.
    MaterialRefused {
        /// The file that is wrong, from the material folder; none where no single one is.
        document: Option<&'a str>,
        /// Why.
        reason: &'static str,
    },
    /// This part of the material should have been replaced by now. Once for each part.
    MaterialExpiring(Part<'a>),
    /// The issuer's keys are others than before, or there for the first time.
    IssuerKeysReplaced {
        /// SHA-256 of the key set, in hex digits.
        digest: &'a str,
        /// Which of the two: `rotated` or `fetched`.
        reason: &'static str,
    },
    /// The issuer's keys cannot be had or used. Once for each outage.
    IssuerKeysRefused {
        /// Why.
        reason: &'static str,
    },
}

/// A part of the material.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    /// Which: `svid`, `edge`, `token_key`, `audit_key`, `bundles` or `crls`.
    pub name: &'static str,
    /// SHA-256 of its certificate, or of all that it is made of, in hex digits.
    pub digest: &'a str,
    /// When the first of it ends; of a list, when the next is due.
    pub expires: SystemTime,
}

#[cfg(test)]
mod tests;
