//! Events of the Open Cybersecurity Schema Framework (<https://schema.ocsf.io/1.4.0>), for other programs: what
//! records and security events have in common, and a record as one of them.
//!
//! - `schema`: an event, and what each class of events has;
//! - `objects`: what these are made of;
//! - `numbers`: the schema's numbers, each with its caption.

mod numbers;
mod objects;
mod schema;

use serde_json::Value;

pub use numbers::{Activity, Class, Outcome, Severity};
pub use objects::{
    Actor, Api, App, Classification, Endpoint, Entity, Metadata, Policy, Product, Resource,
    Response, Service, User,
};
pub use schema::{About, Event};

use crate::{
    format::{Verdict, hex},
    query::Found,
};

/// The version of the schema.
pub const OCSF: &str = "1.4.0";

/// The log that the records of a trail are of.
const LOG: &str = "strata::audit";

/// The record as one event, of the class API Activity.
#[must_use]
pub fn event(found: &Found) -> Value {
    let record = &found.record;
    let (outcome, severity) = match found.verdict() {
        Verdict::Allowed => (Outcome::Allowed, Severity::Informational),
        Verdict::Refused => (Outcome::Refused, Severity::Medium),
        Verdict::Failed | Verdict::Unspecified => (Outcome::Failed, Severity::Low),
    };
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let (user, via) = (text(&record.subject), text(&record.via));
    let resource = (!record.resource.is_empty())
        .then(|| Resource::new(&record.resource_kind, hex(&record.resource)));
    let about = About::Api {
        actor: Actor::new(user, via.clone()),
        api: Api {
            operation: record.action.clone(),
            service: Service::new(&found.service),
            response: Response::new(&record.code),
        },
        src_endpoint: Endpoint::named(via),
        dst_endpoint: Endpoint::named(Some(found.service.clone())),
        resources: resource.into_iter().collect(),
    };
    let metadata = Metadata::new(LOG, &found.service, &record.code)
        .of_trace(text(&record.trace_text()).as_deref())
        .of_label(record.label())
        .numbered(found.sequence);
    // What was done is in `api.operation`: a method's path says more than the schema's four words.
    let activity = Activity::other(record.action.clone());
    let event = Event::new(activity, about, (outcome, severity), metadata);
    let event = event
        .at(found.time / 1_000_000)
        .because(&record.code, &record.rule);
    event.value()
}
