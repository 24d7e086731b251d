//! The map, made from what the documents declare.

use std::collections::{BTreeMap, BTreeSet};

use strata_codegen::model::{self as contract, Message, Method};
use strata_core::{Categories, Category, Clearance, Label, Layer};

use super::{
    model::{Blend, Combination, DataMap, Declassification, Flow, Kept, Reader, Service, Unstored},
    readers,
    sources::{self, Sources},
    stores,
};

/// What idempotency keys are of, in `kind`.
const KEY: &str = "idempotency_key";

/// Whether a value relates to a person (GDPR Art. 4(1), 4(13) to (15) and 9).
pub(super) fn is_personal(label: Label) -> bool {
    let personal = Categories::of(&[
        Category::Personal,
        Category::SpecialCategory,
        Category::Child,
    ]);
    label.categories.intersection(personal) != Categories::NONE
}

/// The map of the estate.
pub(super) fn map(sources: &Sources) -> DataMap {
    let readers = readers::all(sources);
    let stores = stores::all(sources, &readers);
    let stored: BTreeSet<&str> = stores
        .iter()
        .flat_map(|store| &store.fields)
        .map(|field| field.name.as_str())
        .collect();
    DataMap {
        services: sources.services.iter().map(service).collect(),
        unstored: unstored(sources, &stored),
        kept: sources.services.iter().flat_map(kept).collect(),
        flows: flows(sources, &readers),
        blends: blends(sources),
        declassifications: declassifications(sources),
        stores,
        readers,
    }
}

fn service(service: &sources::Service) -> Service {
    let methods = service.contract.methods.iter();
    Service {
        id: service.id(),
        layer: service.manifest.layer.to_string(),
        owner: service.manifest.owner.clone(),
        description: service.manifest.description.clone(),
        purposes: purposes(methods),
    }
}

/// The purposes of some methods, each once.
pub(super) fn purposes<'a>(methods: impl Iterator<Item = &'a Method>) -> Vec<String> {
    let purposes: BTreeSet<_> = methods
        .map(|method| method.purpose.as_str())
        .filter(|purpose| !purpose.is_empty())
        .collect();
    purposes.into_iter().map(str::to_owned).collect()
}

/// Personal values of System contracts that no store declares: what passes through, and what is
/// stored without being said.
fn unstored(sources: &Sources, stored: &BTreeSet<&str>) -> Vec<Unstored> {
    let mut unstored = Vec::new();
    for service in &sources.services {
        if service.manifest.layer != Layer::System {
            continue;
        }
        for message in &service.contract.messages {
            for field in &message.fields {
                let name = format!("{}.{}", message.name, field.name);
                let personal = field.label.filter(|label| is_personal(*label));
                if let Some(label) = personal
                    && !stored.contains(name.as_str())
                {
                    unstored.push(Unstored {
                        name,
                        label,
                        kind: field.kind.clone(),
                    });
                }
            }
        }
    }
    unstored
}

/// What every service of a layer keeps beside its stores, as `shared/` has it.
fn kept(service: &sources::Service) -> Vec<Kept> {
    let line = |place, holds: &str, personal, until| Kept {
        service: service.id(),
        place,
        holds: holds.to_owned(),
        personal,
        until,
    };
    let mut kept = Vec::new();
    if service.manifest.layer == Layer::System {
        for method in keyed(service) {
            let holds = format!(
                "{}: the user, the key, what was asked and what was answered",
                method.name
            );
            kept.push(line("idempotency table", &holds, true, "a day"));
        }
    }
    if service.manifest.layer == Layer::Experience {
        let holds =
            "of each verified access token: its SHA-256, subject, roles, scopes, region and tenant";
        let until = "the token or its key ends, or the process";
        kept.push(line("token cache, in memory", holds, true, until));
        let holds = "the token issuer's public keys";
        kept.push(line(
            "key cache, in memory",
            holds,
            false,
            "the next reading",
        ));
    }
    // A user's network address is personal (CJEU, C-582/14); a workload's is not.
    let of_users = service.manifest.layer == Layer::Experience;
    let holds = "trace ids, methods, SPIFFE IDs, client ids, network addresses of those refused, ids of users \
        and objects as keyed hashes; no labelled value";
    let until = "whoever collects stderr says";
    kept.push(line("logs and security events", holds, of_users, until));
    let holds = "user ids, ids of objects as keyed hashes, trace ids, methods, SPIFFE IDs, labels; no other \
        value";
    let until = "400 days after, or what audit.retention says";
    kept.push(line("audit trail", holds, true, until));
    let holds = "methods, durations, outcomes; no labelled value";
    let until = "whoever collects them says";
    kept.push(line("traces and metrics", holds, false, until));
    kept
}

/// The methods of a service that remember what they did by an idempotency key, in a table that no
/// contract names.
fn keyed(service: &sources::Service) -> impl Iterator<Item = &Method> {
    let messages = &service.contract.messages;
    let is_keyed = |message: &&Message| {
        message.stored_in.is_empty() && message.fields.iter().any(|field| field.kind == KEY)
    };
    let keyed: BTreeSet<&str> = messages
        .iter()
        .filter(is_keyed)
        .map(|message| message.name.as_str())
        .collect();
    let methods = service.contract.methods.iter();
    methods.filter(move |method| keyed.contains(method.input.as_str()))
}

fn flows(sources: &Sources, readers: &[Reader]) -> Vec<Flow> {
    let all = Clearance(Label {
        sensitivity: strata_core::Sensitivity::Restricted,
        categories: Categories::of(&Category::ALL),
    });
    let flow = |caller: String, callee: &sources::Service, method: &Method, clearance| Flow {
        caller,
        callee: callee.id(),
        method: callee.title(method),
        purpose: method.purpose.clone(),
        asks: sources.passing(&method.input, all),
        answers: sources.passing(&method.output, clearance),
    };
    let mut flows = BTreeMap::new();
    for caller in &sources.services {
        for method in &caller.contract.methods {
            for call in sources.calls(caller, method) {
                let key = (
                    caller.id(),
                    call.callee.id(),
                    call.callee.title(call.method),
                );
                let flow = flow(caller.id(), call.callee, call.method, call.clearance);
                flows.insert(key, flow);
            }
        }
    }
    for reader in readers {
        let service = sources.services.iter();
        for callee in service.filter(|service| service.id() == reader.service) {
            let who = format!("{} of {}", reader.role, callee.manifest.name);
            for method in &callee.contract.methods {
                let key = (who.clone(), callee.id(), callee.title(method));
                let flow = flow(who.clone(), callee, method, Clearance(reader.clearance));
                flows.insert(key, flow);
            }
        }
    }
    flows.into_values().collect()
}

/// The answers that hold values of more than one System API.
fn blends(sources: &Sources) -> Vec<Blend> {
    let mut blends = Vec::new();
    for service in &sources.services {
        let mut outputs = BTreeSet::new();
        for method in &service.contract.methods {
            let Some((_, message)) = sources.message(&method.output) else {
                continue;
            };
            let values = sources.values(message, false).into_iter();
            let origins = values.flat_map(|value| sources.origins(&value.name));
            let systems: BTreeSet<_> = origins
                .filter_map(|origin| sources.field(&origin).map(|(system, _)| system.id()))
                .collect();
            if systems.len() > 1 && outputs.insert(&message.name) {
                blends.push(Blend {
                    service: service.id(),
                    message: message.name.clone(),
                    sources: systems.into_iter().collect(),
                    label: message.label,
                    combinations: message.combinations.iter().map(combination).collect(),
                });
            }
        }
    }
    blends
}

fn declassifications(sources: &Sources) -> Vec<Declassification> {
    let mut found = Vec::new();
    let contracts = sources.services.iter().map(|service| &service.contract);
    for message in contracts.flat_map(|contract| &contract.messages) {
        for field in &message.fields {
            if let (Some(label), Some(reason)) = (field.label, &field.declassified) {
                found.push(Declassification {
                    name: format!("{}.{}", message.name, field.name),
                    label,
                    from: field.from.clone(),
                    reason: reason.clone(),
                });
            }
        }
    }
    found
}

/// A combination, as the map tells it.
pub(super) fn combination(stated: &contract::Combination) -> Combination {
    Combination {
        kinds: stated.kinds.clone(),
        label: stated.label,
        reason: stated.reason.clone(),
    }
}
