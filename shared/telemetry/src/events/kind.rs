//! The kinds of security events, and how OCSF has each.

use serde::Deserialize;
use strata_audit::ocsf::{Class, Outcome, Severity};

macro_rules! kinds {
    ($($kind:ident = $name:literal),+ $(,)?) => {
        /// A kind of event. Its name stands in logs, metrics and trails, and is never given another meaning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
        #[non_exhaustive]
        pub enum Kind {
            $(
                #[doc = concat!("`", $name, "`")]
                #[serde(rename = $name)]
                $kind,
            )+
        }

        impl Kind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$kind),+];

            /// Its name, in snake case.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)+
                }
            }
        }
    };
}

kinds! {
    PeerLimited = "peer_limited",
    PeerRefused = "peer_refused",
    ListenerStarved = "listener_starved",
    UpstreamRefused = "upstream_refused",
    CallRefused = "call_refused",
    ExemptionUsed = "exemption_used",
    TokenRefused = "token_refused",
    AccessRefused = "access_refused",
    RateLimited = "rate_limited",
    LimitsUnshared = "limits_unshared",
    LimitsShared = "limits_shared",
    PolicyDenied = "policy_denied",
    PolicyAudited = "policy_audited",
    LabelReleased = "label_released",
    AuditFailed = "audit_failed",
    AuditResumed = "audit_resumed",
    ConfigurationLoaded = "configuration_loaded",
    PolicyLoaded = "policy_loaded",
    PolicyReplaced = "policy_replaced",
    PolicyRejected = "policy_rejected",
    MaterialLoaded = "material_loaded",
    MaterialReplaced = "material_replaced",
    MaterialRefused = "material_refused",
    MaterialExpiring = "material_expiring",
    IssuerKeysReplaced = "issuer_keys_replaced",
    IssuerKeysRefused = "issuer_keys_refused",
}

/// What an event may say besides, and the place in OCSF where it stands, as a JSON pointer (RFC 6901).
pub const SAYS: [(&str, &str, &str); 11] = [
    (
        "address",
        "/src_endpoint/ip",
        "where it came from, with `port` where that is known",
    ),
    (
        "user",
        "/actor/user/uid",
        "the user, by HMAC-SHA-256 of `sub` with a key of the environment",
    ),
    (
        "caller",
        "/actor/app_uid",
        "the workload by its SPIFFE ID, at the edge the consumer by its client id; also \
         `src_endpoint.svc_name`",
    ),
    (
        "method",
        "/api/operation",
        "the path of the method; `edge` before the route is known",
    ),
    (
        "resource",
        "/resources/0/uid",
        "the object that the request names, by HMAC-SHA-256 of its id with the same key; `type` is the \
         field that names it",
    ),
    (
        "policy",
        "/policy/uid",
        "the `@id` of the policy that decided",
    ),
    (
        "label",
        "/metadata/data_classifications/0/confidentiality",
        "the most that the answer held: one entry for each category",
    ),
    (
        "upstream",
        "/dst_endpoint/svc_name",
        "the service that is called",
    ),
    (
        "document",
        "/entity/name",
        "the file, or the part of the material",
    ),
    ("digest", "/entity/version", "SHA-256 of it"),
    (
        "expires",
        "/unmapped/expires",
        "when the first of it ends, in milliseconds since 1970",
    ),
];

/// How OCSF has a kind, and what an event of it says.
#[derive(Clone, Copy, Debug)]
pub struct Mapping {
    /// When one is raised.
    pub when: &'static str,
    /// The class.
    pub class: Class,
    /// `activity_id` within the class, and its caption; 99 has a name of the kind's own.
    pub activity: (u32, &'static str),
    /// How much it asks of whoever reads it.
    pub severity: Severity,
    /// What came of it.
    pub outcome: Outcome,
    /// What of [`SAYS`] it says, as far as it is known at that place.
    pub says: &'static [&'static str],
}

/// Captions of <https://schema.ocsf.io/1.4.0/classes/api_activity>: none of its four words says what a method
/// does, but that a label that went out was read.
const CALL: (u32, &str) = (99, "Call");
const READ: (u32, &str) = (2, "Read");
/// Of <https://schema.ocsf.io/1.4.0/classes/network_activity>.
const CLOSE: (u32, &str) = (2, "Close");
const FAIL: (u32, &str) = (4, "Fail");
const REFUSE: (u32, &str) = (5, "Refuse");
/// Of <https://schema.ocsf.io/1.4.0/classes/authentication>.
const LOGON: (u32, &str) = (1, "Logon");
/// Of <https://schema.ocsf.io/1.4.0/classes/entity_management>.
const UPDATE: (u32, &str) = (3, "Update");
const ACTIVATE: (u32, &str) = (10, "Activate");
const EXPIRE: (u32, &str) = (99, "Expire");
/// Of <https://schema.ocsf.io/1.4.0/classes/application_lifecycle> and
/// <https://schema.ocsf.io/1.4.0/classes/event_log_actvity>, which have no words for these.
const DEGRADE: (u32, &str) = (99, "Degrade");
const RECOVER: (u32, &str) = (99, "Recover");

impl Kind {
    /// See [`Mapping`]. The numbers are those of <https://schema.ocsf.io/1.4.0>.
    #[must_use]
    pub const fn mapping(self) -> Mapping {
        use Class::{
            ApiActivity, ApplicationLifecycle, Authentication, EntityManagement, EventLogActivity,
            NetworkActivity,
        };
        use Outcome::{Allowed, Impaired, Observed, Refused};
        use Severity::{High, Informational, Low, Medium};
        let (when, class, activity, severity, outcome, says): (_, _, _, _, _, &[_]) = match self {
            Self::PeerLimited => (
                "a peer took more than its share of connections, requests or time, and was cut off",
                NetworkActivity,
                CLOSE,
                Low,
                Refused,
                &["address"],
            ),
            Self::PeerRefused => (
                "a peer was refused at the handshake, by the lists of networks, or because what its \
                 handshake proved no longer holds; or a request of a proxy was",
                NetworkActivity,
                REFUSE,
                Medium,
                Refused,
                &["address"],
            ),
            Self::ListenerStarved => (
                "a listener could not take a connection that was there",
                NetworkActivity,
                FAIL,
                High,
                Impaired,
                &[],
            ),
            Self::UpstreamRefused => (
                "a service that is called did not prove to be the one meant, or may not be called any more",
                NetworkActivity,
                REFUSE,
                High,
                Refused,
                &["upstream"],
            ),
            Self::CallRefused => (
                "a known workload may not call the method, its transaction token is wrong, or it sends what \
                 it may not hold",
                ApiActivity,
                CALL,
                Medium,
                Refused,
                &["user", "caller", "address", "method", "resource"],
            ),
            Self::ExemptionUsed => (
                "a workload called past a layer, by an exemption from the rule; once for each call",
                ApiActivity,
                CALL,
                Low,
                Observed,
                &["caller", "address", "method"],
            ),
            Self::TokenRefused => (
                "an access token was refused, or there was none",
                Authentication,
                LOGON,
                Low,
                Refused,
                &["address"],
            ),
            Self::AccessRefused => (
                "a user has not the scopes of a method, or the consumer's plan has not the method",
                ApiActivity,
                CALL,
                Medium,
                Refused,
                &["user", "caller", "address", "method"],
            ),
            Self::RateLimited => (
                "a network, workload, user or consumer took more requests than its limit allows",
                ApiActivity,
                CALL,
                Low,
                Refused,
                &["user", "caller", "address", "method"],
            ),
            Self::LimitsUnshared => (
                "replicas cannot count together: each keeps to a stricter limit of its own; once an outage",
                ApplicationLifecycle,
                DEGRADE,
                High,
                Impaired,
                &[],
            ),
            Self::LimitsShared => (
                "replicas count together again",
                ApplicationLifecycle,
                RECOVER,
                Informational,
                Allowed,
                &[],
            ),
            Self::PolicyDenied => (
                "the policies refuse a call or an object",
                ApiActivity,
                CALL,
                Medium,
                Refused,
                &["user", "caller", "address", "method", "resource", "policy"],
            ),
            Self::PolicyAudited => (
                "the policies would refuse a call that goes on, in audit mode",
                ApiActivity,
                CALL,
                Medium,
                Observed,
                &["user", "caller", "address", "method", "resource", "policy"],
            ),
            Self::LabelReleased => (
                "an answer let out a value of high sensitivity, to somebody who may have it; once for each \
                 answer and reason",
                ApiActivity,
                READ,
                Informational,
                Allowed,
                &["user", "caller", "method", "resource", "label"],
            ),
            Self::AuditFailed => (
                "the audit trail did not take a record, so nothing was done",
                EventLogActivity,
                DEGRADE,
                High,
                Impaired,
                &[],
            ),
            Self::AuditResumed => (
                "the audit trail is written again",
                EventLogActivity,
                RECOVER,
                Informational,
                Allowed,
                &[],
            ),
            Self::ConfigurationLoaded => (
                "the service started with this configuration: the digest is of what `--print-config` prints",
                EntityManagement,
                ACTIVATE,
                Informational,
                Allowed,
                &["document", "digest"],
            ),
            Self::PolicyLoaded => (
                "the service started with this file of `policy/`: the digest is of the file",
                EntityManagement,
                ACTIVATE,
                Informational,
                Allowed,
                &["document", "digest"],
            ),
            Self::PolicyReplaced => (
                "a file of policies, or the lists of networks, changed and is in force",
                EntityManagement,
                UPDATE,
                Low,
                Allowed,
                &["document", "digest"],
            ),
            Self::PolicyRejected => (
                "policies or lists of networks changed and cannot be used: the last good ones stay in force",
                EntityManagement,
                UPDATE,
                High,
                Refused,
                &["document"],
            ),
            Self::MaterialLoaded => (
                "the service started with this certificate, key, bundle or revocation list",
                EntityManagement,
                ACTIVATE,
                Informational,
                Allowed,
                &["document", "digest", "expires"],
            ),
            Self::MaterialReplaced => (
                "a certificate, key, bundle or revocation list was replaced and is in force",
                EntityManagement,
                UPDATE,
                Low,
                Allowed,
                &["document", "digest", "expires"],
            ),
            Self::MaterialRefused => (
                "the material changed and cannot be used: the last good one stays in force until it expires",
                EntityManagement,
                UPDATE,
                High,
                Refused,
                &["document"],
            ),
            Self::MaterialExpiring => (
                "a certificate, bundle or revocation list has a quarter of its time left and is not replaced; \
                 once for each",
                EntityManagement,
                EXPIRE,
                Medium,
                Impaired,
                &["document", "digest", "expires"],
            ),
            Self::IssuerKeysReplaced => (
                "the issuer's keys are there, or others than before: access tokens are verified by these",
                EntityManagement,
                UPDATE,
                Low,
                Allowed,
                &["document", "digest"],
            ),
            Self::IssuerKeysRefused => (
                "the issuer's keys cannot be had or used: those there are stay in force; once an outage",
                EntityManagement,
                UPDATE,
                Medium,
                Refused,
                &["document"],
            ),
        };
        Mapping {
            when,
            class,
            activity,
            severity,
            outcome,
            says,
        }
    }
}
