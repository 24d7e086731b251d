//! Who is answered what: from each role of an Experience API down to the values of the System layer,
//! with what is masked on the way.
//!
//! No document says which of the calls it may make a method does make. So a reader is given every one
//! of them: the map may show a way too many, never one too few.

use std::collections::{BTreeMap, BTreeSet};

use strata_codegen::model::Method;
use strata_core::{Clearance, Label, Layer, masking::Mask};

use super::{
    model::{ReadField, Reader, ReaderMethod, Step},
    sources::{Service, Sources},
};

/// What a value is made from on its way to one reader.
#[derive(Default)]
struct Trace {
    origins: BTreeSet<String>,
    /// From the store up.
    masks: Vec<&'static str>,
}

/// Every role of every Experience API.
pub(super) fn all(sources: &Sources) -> Vec<Reader> {
    let mut readers = Vec::new();
    for service in &sources.services {
        for (role, clearance) in &service.roles {
            readers.push(reader(sources, service, role, *clearance));
        }
    }
    readers
}

fn reader(sources: &Sources, service: &Service, role: &str, clearance: Clearance) -> Reader {
    let methods: Vec<_> = service
        .contract
        .methods
        .iter()
        .map(|method| answered(sources, service, method, clearance))
        .collect();
    let kinds: BTreeSet<&str> = service
        .contract
        .methods
        .iter()
        .flat_map(|method| shown(sources, service, method, clearance))
        .collect();
    let together = sources
        .combinations
        .iter()
        .filter(|it| it.kinds.iter().all(|kind| kinds.contains(kind.as_str())));
    Reader {
        service: service.id(),
        role: role.to_owned(),
        clearance: clearance.0,
        methods,
        together: together.map(super::make::combination).collect(),
    }
}

fn answered(
    sources: &Sources,
    service: &Service,
    method: &Method,
    clearance: Clearance,
) -> ReaderMethod {
    let mut through = Vec::new();
    steps(sources, service, method, &mut through);
    let values = sources.message(&method.output).map(|(_, message)| message);
    let values = values.map(|message| sources.values(message, false));
    let fields = values.into_iter().flatten().map(|value| {
        let trace = trace(sources, service, method, &value.name, clearance);
        ReadField {
            path: value.path,
            label: value.label,
            origins: trace.origins.into_iter().collect(),
            masked_by: trace.masks,
        }
    });
    ReaderMethod {
        method: service.title(method),
        purpose: method.purpose.clone(),
        scopes: method.scopes.clone(),
        through,
        label: sources.passing(&method.output, clearance),
        max_records: method.max_records,
        fields: fields.collect(),
    }
}

/// The kinds of value a method shows whole.
fn shown<'a>(
    sources: &'a Sources,
    service: &'a Service,
    method: &'a Method,
    clearance: Clearance,
) -> Vec<&'a str> {
    let Some((_, message)) = sources.message(&method.output) else {
        return Vec::new();
    };
    let values = sources.values(message, false).into_iter();
    values
        .filter(|value| {
            trace(sources, service, method, &value.name, clearance)
                .masks
                .is_empty()
        })
        .map(|value| value.field.kind.as_str())
        .collect()
}

fn steps(sources: &Sources, service: &Service, method: &Method, found: &mut Vec<Step>) {
    for call in sources.calls(service, method) {
        let step = Step {
            service: call.callee.id(),
            method: call.callee.title(call.method),
            clearance: call.clearance.0,
        };
        if !found.contains(&step) {
            found.push(step);
        }
        steps(sources, call.callee, call.method, found);
    }
}

/// Follows one value of a method's answer down. Each hop masks to what the caller is granted and the
/// user may see.
fn trace(
    sources: &Sources,
    service: &Service,
    method: &Method,
    value: &str,
    clearance: Clearance,
) -> Trace {
    let mut trace = Trace::default();
    let Some((_, field)) = sources.field(value) else {
        return trace;
    };
    if service.manifest.layer == Layer::System {
        trace.origins.insert(value.to_owned());
    }
    for call in sources.calls(service, method) {
        let held = sources.message(&call.method.output);
        let held: BTreeMap<_, _> = held
            .map(|(_, message)| sources.values(message, false))
            .into_iter()
            .flatten()
            .map(|value| (value.name, value.label))
            .collect();
        for source in field.from.iter().filter(|name| held.contains_key(*name)) {
            let may = clearance.narrowed_to(call.clearance);
            let below = self::trace(sources, call.callee, call.method, source, may);
            trace.origins.extend(below.origins);
            for mask in below.masks {
                add(&mut trace.masks, mask);
            }
        }
    }
    if let Some(mask) = sources.masked(&method.output, clearance).get(value) {
        add(&mut trace.masks, name(*mask));
    }
    trace
}

fn add(masks: &mut Vec<&'static str>, mask: &'static str) {
    if !masks.contains(&mask) {
        masks.push(mask);
    }
}

/// As a contract writes it, in lower case.
pub(super) const fn name(mask: Mask) -> &'static str {
    match mask {
        Mask::Redact => "redact",
        Mask::LastFour => "last_four",
        Mask::Initial => "initial",
        Mask::Domain => "domain",
        Mask::Year => "year",
        Mask::Area => "area",
        Mask::Token => "token",
    }
}

/// The most a role is shown by any method of a service.
pub(super) fn most(reader: &Reader) -> Label {
    let labels = reader.methods.iter().map(|method| method.label);
    labels.fold(Label::default(), Label::join)
}
