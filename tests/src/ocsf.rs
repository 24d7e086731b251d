//! What a line of a JSON log promises that tells of a security event: an event of OCSF 1.4.0, as
//! docs/security/events.md says. It is written down here from the schema (<https://schema.ocsf.io/1.4.0>), and
//! shares nothing with what makes the lines.

mod check;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use serde_json::Value;

/// Where a line says that it tells of one.
const LOG: &str = "strata::security";

/// An event: all that one may hold, and nothing else.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    action: String,
    action_id: u64,
    activity_id: u64,
    activity_name: String,
    category_name: String,
    category_uid: u64,
    class_name: String,
    class_uid: u64,
    disposition: String,
    disposition_id: u64,
    severity: String,
    severity_id: u64,
    status: String,
    status_id: u64,
    type_uid: u64,
    time: u64,
    /// The kind.
    pub status_code: String,
    /// The reason.
    pub status_detail: String,
    /// What is said of the event itself.
    pub metadata: Metadata,
    /// Who, and through whom.
    pub actor: Option<Actor>,
    /// What was asked for.
    pub api: Option<Api>,
    app: Option<App>,
    /// What changed.
    pub entity: Option<Entity>,
    user: Option<User>,
    service: Option<Service>,
    src_endpoint: Option<Endpoint>,
    dst_endpoint: Option<Endpoint>,
    /// The objects that are named.
    #[serde(default)]
    pub resources: Vec<Resource>,
    /// Which policy decided.
    pub policy: Option<Policy>,
    log_name: Option<String>,
    unmapped: Option<Unmapped>,
}

/// Of the event itself.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metadata {
    /// The trace-id.
    pub correlation_uid: Option<String>,
    /// What was let out.
    #[serde(default)]
    pub data_classifications: Vec<Classification>,
    event_code: String,
    log_name: String,
    log_provider: String,
    product: App,
    profiles: Vec<String>,
    version: String,
}

/// How sensitive something is.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Classification {
    category: Option<String>,
    category_id: Option<u64>,
    /// How much harm its disclosure does.
    pub confidentiality: String,
    confidentiality_id: u64,
}

/// Who does something.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Actor {
    app_name: Option<String>,
    /// Through whom.
    pub app_uid: Option<String>,
    /// For whom.
    pub user: Option<User>,
}

/// A user, by a keyed hash.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    name: Option<String>,
    /// The hash.
    pub uid: Option<String>,
}

/// A call.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Api {
    /// The method.
    pub operation: String,
    service: Service,
    response: Response,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Response {
    error: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Service {
    name: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct App {
    name: String,
    vendor_name: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Endpoint {
    ip: Option<std::net::IpAddr>,
    port: Option<u16>,
    svc_name: Option<String>,
}

/// What changed, or should have.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entity {
    /// Its file or part.
    pub name: String,
    #[serde(rename = "type")]
    kind: String,
    type_id: u64,
    /// Its digest.
    pub version: Option<String>,
}

/// An object, by a keyed hash.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resource {
    /// The field that names it.
    #[serde(rename = "type")]
    pub kind: String,
    /// The hash.
    pub uid: String,
}

/// A policy.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Its `@id`.
    pub uid: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Unmapped {
    expires: u64,
}

/// The security events that a JSON log tells of, each of which is as it should be.
///
/// # Errors
/// The first line that is no JSON, or tells of an event in another form.
pub fn events(log: &str) -> Result<Vec<Event>> {
    let mut events = Vec::new();
    for text in log.lines() {
        let line: Value = serde_json::from_str(text).with_context(|| format!("no JSON: {text}"))?;
        if line.get("class_uid").is_none() {
            ensure!(!text.contains(LOG), "no event of OCSF: {text}");
            continue;
        }
        let event: Event = serde_json::from_value(line).with_context(|| text.to_owned())?;
        event.check().with_context(|| text.to_owned())?;
        events.push(event);
    }
    Ok(events)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refused() -> Value {
        json!({
            "action": "Denied", "action_id": 2,
            "activity_id": 1, "activity_name": "Logon",
            "category_name": "Identity & Access Management", "category_uid": 3,
            "class_name": "Authentication", "class_uid": 3002,
            "disposition": "Blocked", "disposition_id": 2,
            "metadata": {
                "event_code": "token_refused",
                "log_name": LOG,
                "log_provider": "spiffe://experience.dev.example/shop",
                "product": { "name": "Strata", "vendor_name": "Strata" },
                "profiles": ["data_classification", "security_control"],
                "version": "1.4.0",
            },
            "severity": "Low", "severity_id": 2,
            "status": "Failure", "status_id": 2,
            "status_code": "token_refused", "status_detail": "expired",
            "time": 1_800_000_000_000_u64, "type_uid": 300_201,
            "user": { "name": "unknown" },
            "service": { "name": "spiffe://experience.dev.example/shop" },
            "src_endpoint": { "ip": "192.0.2.1", "port": 443 },
        })
    }

    #[test]
    fn what_is_missing_added_or_wrong_is_found() {
        let other = json!({ "target": "strata", "message": "ready" });
        let log = format!("{}\n{other}\n", refused());
        let found = events(&log).unwrap();
        assert_eq!((found.len(), &*found[0].status_detail), (1, "expired"));
        for (place, value) in [
            ("/type_uid", json!(300_202)),
            ("/category_uid", json!(6)),
            ("/activity_name", json!("Logoff")),
            ("/severity", json!("High")),
            ("/user", json!({})),
            ("/user", json!({ "uid": "cus_000001" })),
            ("/src_endpoint", json!({})),
            ("/metadata/version", json!("1.3.0")),
            ("/metadata/event_code", json!("peer_refused")),
            ("/time", json!(1_800_000_000)),
        ] {
            let mut wrong = refused();
            *wrong.pointer_mut(place).unwrap() = value;
            assert!(events(&wrong.to_string()).is_err(), "{place}");
        }
        for gone in ["user", "service", "status_detail", "metadata"] {
            let mut wrong = refused();
            wrong.as_object_mut().unwrap().remove(gone);
            assert!(events(&wrong.to_string()).is_err(), "{gone}");
        }
        let mut more = refused();
        more["token"] = json!("hunter2");
        assert!(events(&more.to_string()).is_err());
        let line = json!({ "target": LOG, "event": "token_refused" });
        assert!(events(&line.to_string()).is_err());
    }
}
