//! Records for other programs: events of the Open Cybersecurity Schema Framework (schema.ocsf.io), class
//! API Activity.

use serde_json::{Value, json};
use strata_core::{Category, Label, Sensitivity};

use crate::{
    format::{Verdict, hex},
    query::Found,
};

/// The version of the schema.
pub const OCSF: &str = "1.4.0";

/// API Activity, of the category Application Activity.
const CLASS: u64 = 6003;
const CATEGORY: u64 = 6;
/// What was done is in `api.operation`: a method's path says more than the schema's four words.
const OTHER: u64 = 99;

/// The record as one event.
#[must_use]
pub fn event(found: &Found) -> Value {
    let record = &found.record;
    let label = record.label();
    let (status, severity) = match found.verdict() {
        Verdict::Allowed => (("Success", 1), ("Informational", 1)),
        Verdict::Refused => (("Failure", 2), ("Medium", 3)),
        Verdict::Failed | Verdict::Unspecified => (("Failure", 2), ("Low", 2)),
    };
    let mut event = json!({
        "activity_id": OTHER,
        "activity_name": record.action,
        "actor": { "user": { "uid": record.subject } },
        "api": {
            "operation": record.action,
            "service": { "name": found.service },
            "response": { "error": record.code },
        },
        "category_uid": CATEGORY,
        "class_uid": CLASS,
        "metadata": {
            "version": OCSF,
            "product": { "name": "Strata", "vendor_name": "Strata" },
            "uid": format!("{}#{}", found.service, found.sequence),
            "sequence": found.sequence,
            "correlation_uid": record.trace_text(),
        },
        "severity": severity.0,
        "severity_id": severity.1,
        "src_endpoint": { "svc_name": record.via },
        "status": status.0,
        "status_id": status.1,
        "status_code": record.code,
        "status_detail": record.rule,
        "time": found.time / 1_000_000,
        "type_uid": CLASS * 100 + OTHER,
        "unmapped": { "verdict": found.verdict().as_str(), "released": words(label) },
    });
    if !record.resource.is_empty()
        && let Some(event) = event.as_object_mut()
    {
        let resource = json!([{ "type": record.resource_kind, "uid": hex(&record.resource) }]);
        event.insert("resources".to_owned(), resource);
    }
    event
}

fn words(label: Label) -> Value {
    let sensitivity: Sensitivity = label.sensitivity;
    let categories: Vec<Category> = label.categories.iter().collect();
    json!({ "sensitivity": sensitivity, "categories": categories })
}
