//! The tables of the systems of record: what a record holds, who is answered it, and what hangs on it.

use std::collections::{BTreeMap, BTreeSet};

use strata_codegen::model::Message;
use strata_core::{Clearance, Label, Layer};

use super::{
    make::{combination, is_personal, purposes},
    model::{Caller, Dependent, FieldReader, Leaves, Reader, Store, StoredField, Subject},
    sources::{Service, Sources, Value},
};

/// A table, and the messages that say they are stored in it.
struct Table<'a> {
    name: &'a str,
    service: &'a Service,
    messages: Vec<&'a Message>,
}

/// Every table that a contract names, in the order of their names.
pub(super) fn all(sources: &Sources, readers: &[Reader]) -> Vec<Store> {
    let mut tables: BTreeMap<&str, Table<'_>> = BTreeMap::new();
    for service in &sources.services {
        for message in &service.contract.messages {
            let name = message.stored_in.as_str();
            if !name.is_empty() {
                let table = tables.entry(name).or_insert_with(|| Table {
                    name,
                    service,
                    messages: Vec::new(),
                });
                table.messages.push(message);
            }
        }
    }
    let tables: Vec<_> = tables.into_values().collect();
    let stores = tables.iter();
    let mut stores: Vec<_> = stores
        .map(|table| store(sources, &tables, table, readers))
        .collect();
    let made_from: Vec<_> = stores
        .iter()
        .map(|store| made_from(sources, &stores, store))
        .collect();
    for (store, made_from) in stores.iter_mut().zip(made_from) {
        store.made_from = made_from;
    }
    stores
}

fn store(sources: &Sources, tables: &[Table<'_>], table: &Table<'_>, readers: &[Reader]) -> Store {
    let messages = &table.messages;
    let values: Vec<_> = messages
        .iter()
        .flat_map(|message| record(sources, message, messages.len() == 1))
        .collect();
    let names: BTreeSet<String> = values.iter().map(|value| value.name.clone()).collect();
    let combinations: Vec<_> = messages.iter().flat_map(|it| &it.combinations).collect();
    let labels = values.iter().map(|value| value.label);
    let combined = combinations.iter().map(|combination| combination.label);
    let label = labels.chain(combined).fold(Label::default(), Label::join);
    let stated = |of: fn(&Message) -> &String| {
        let stated = messages.iter().map(|message| of(message));
        stated.max_by_key(|text| text.len()).cloned()
    };
    let residency: BTreeSet<&String> = messages.iter().flat_map(|it| &it.residency).collect();
    let subjects = subjects(&values);
    let fields = fields(values, readers);
    Store {
        table: table.name.to_owned(),
        service: table.service.id(),
        owner: table.service.manifest.owner.clone(),
        messages: messages.iter().map(|it| it.name.clone()).collect(),
        label,
        retention: stated(|message| &message.retention).unwrap_or_default(),
        residency: residency.into_iter().cloned().collect(),
        business_value: messages.iter().find_map(|message| message.business_value),
        purposes: purposes(table.service.contract.methods.iter().filter(|method| {
            holds(sources, &method.input, messages) || holds(sources, &method.output, messages)
        })),
        parents: match subjects.is_empty() {
            true => parents(sources, tables, table),
            false => Vec::new(),
        },
        subjects,
        access: access(sources, table),
        made_from: Vec::new(),
        leaves: leaves(&fields),
        callers: callers(sources, table, &names),
        dependents: dependents(sources, table, &names),
        combinations: combinations.into_iter().map(combination).collect(),
        fields,
    }
}

/// The values of a record, by their path; of which message, where the table holds several.
fn record<'a>(sources: &'a Sources, message: &'a Message, alone: bool) -> Vec<Value<'a>> {
    let mut values = sources.values(message, true);
    if !alone {
        let name = message.name.rsplit('.').next().unwrap_or(&message.name);
        for value in &mut values {
            value.path = format!("{name}.{}", value.path);
        }
    }
    values
}

/// Whether a message holds one of these, at whatever depth.
fn holds(sources: &Sources, message: &str, wanted: &[&Message]) -> bool {
    let Some((_, message)) = sources.message(message) else {
        return false;
    };
    let values = sources.values(message, false);
    let owner = |value: &Value<'_>| {
        value
            .name
            .rsplit_once('.')
            .map(|(owner, _)| owner.to_owned())
    };
    let owners: BTreeSet<_> = values.iter().filter_map(owner).collect();
    wanted
        .iter()
        .any(|wanted| message.name == wanted.name || owners.contains(&wanted.name))
}

/// The methods whose request names a person and is no record itself, and whose answer holds the
/// records.
fn access(sources: &Sources, table: &Table<'_>) -> Vec<String> {
    let methods = table.service.contract.methods.iter().filter(|method| {
        let request = sources.message(&method.input).map(|(_, message)| message);
        let asks = request.is_some_and(|request| {
            request.stored_in.is_empty() && request.fields.iter().any(|field| field.subject)
        });
        asks && holds(sources, &method.output, &table.messages)
    });
    methods.map(|method| method.name.clone()).collect()
}

/// The other tables that a table's values are made from.
fn made_from(sources: &Sources, stores: &[Store], store: &Store) -> Vec<String> {
    let origins: BTreeSet<String> = store
        .fields
        .iter()
        .flat_map(|field| sources.origins(&field.name))
        .collect();
    let others = stores.iter().filter(|other| other.table != store.table);
    let others = others.filter(|other| {
        let mut fields = other.fields.iter();
        fields.any(|field| origins.contains(&field.name))
    });
    others.map(|other| other.table.clone()).collect()
}

/// Which roles are shown what of a record, whole.
fn leaves(fields: &[StoredField]) -> Vec<Leaves> {
    let mut leaves: BTreeMap<(&str, &str), Label> = BTreeMap::new();
    for field in fields {
        for reader in field.readers.iter().filter(|it| it.masked_by.is_empty()) {
            let label = leaves.entry((&reader.service, &reader.role)).or_default();
            *label = label.join(field.label);
        }
    }
    let leaves = leaves.into_iter();
    leaves
        .map(|((service, role), label)| Leaves {
            service: service.to_owned(),
            role: role.to_owned(),
            label,
        })
        .collect()
}

fn subjects(values: &[Value<'_>]) -> Vec<Subject> {
    let mut subjects = Vec::new();
    for value in values.iter().filter(|value| value.field.subject) {
        let subject = Subject {
            field: value.field.name.clone(),
            kind: value.field.kind.clone(),
            meaning: value.field.meaning.clone(),
        };
        if !subjects.contains(&subject) {
            subjects.push(subject);
        }
    }
    subjects
}

/// The tables whose records hold these.
fn parents(sources: &Sources, tables: &[Table<'_>], table: &Table<'_>) -> Vec<String> {
    let others = tables.iter().filter(|other| other.name != table.name);
    let parents = others.filter(|other| {
        let mut messages = other.messages.iter();
        messages.any(|message| holds(sources, &message.name, &table.messages))
    });
    parents.map(|parent| parent.name.to_owned()).collect()
}

fn fields(values: Vec<Value<'_>>, readers: &[Reader]) -> Vec<StoredField> {
    let field = |value: Value<'_>| StoredField {
        readers: readers
            .iter()
            .filter_map(|reader| field_reader(reader, &value.name))
            .collect(),
        personal: is_personal(value.label),
        kind: value.field.kind.clone(),
        meaning: value.field.meaning.clone(),
        label: value.label,
        name: value.name,
        path: value.path,
    };
    values.into_iter().map(field).collect()
}

/// How a role is answered a stored value; what one method shows whole is shown whole.
fn field_reader(reader: &Reader, value: &str) -> Option<FieldReader> {
    let mut methods = Vec::new();
    let mut masked: Option<&Vec<&'static str>> = None;
    for method in &reader.methods {
        let made = |field: &&super::model::ReadField| field.origins.iter().any(|it| it == value);
        for field in method.fields.iter().filter(made) {
            if !methods.contains(&method.method) {
                methods.push(method.method.clone());
            }
            let least = masked.is_none_or(|masked| field.masked_by.len() < masked.len());
            if least {
                masked = Some(&field.masked_by);
            }
        }
    }
    masked.map(|masked| FieldReader {
        service: reader.service.clone(),
        role: reader.role.clone(),
        methods,
        masked_by: masked.clone(),
    })
}

fn callers(sources: &Sources, table: &Table<'_>, names: &BTreeSet<String>) -> Vec<Caller> {
    let mut callers: BTreeMap<String, Caller> = BTreeMap::new();
    for caller in &sources.services {
        for method in &caller.contract.methods {
            for call in sources.calls(caller, method) {
                if !holds(sources, &call.method.output, &table.messages) {
                    continue;
                }
                let Clearance(clearance) = call.clearance;
                let entry = callers.entry(caller.id()).or_insert_with(|| Caller {
                    service: caller.id(),
                    methods: Vec::new(),
                    clearance,
                    masked: Vec::new(),
                });
                if !entry.methods.contains(&call.method.name) {
                    entry.methods.push(call.method.name.clone());
                    let masked = sources.masked(&call.method.output, call.clearance);
                    let masked = masked
                        .into_keys()
                        .filter(|name| names.contains(name) && !entry.masked.contains(name));
                    let masked: Vec<_> = masked.collect();
                    entry.masked.extend(masked);
                }
            }
        }
    }
    callers.into_values().collect()
}

fn dependents(sources: &Sources, table: &Table<'_>, names: &BTreeSet<String>) -> Vec<Dependent> {
    let mut dependents = Vec::new();
    for service in &sources.services {
        if service.manifest.layer == Layer::System || service.id() == table.service.id() {
            continue;
        }
        let mut values = 0;
        for message in &service.contract.messages {
            let made = message.fields.iter().filter(|field| field.label.is_some());
            let made = made.filter(|field| {
                let origins = sources.origins(&format!("{}.{}", message.name, field.name));
                origins.iter().any(|origin| names.contains(origin))
            });
            values += made.count();
        }
        if values > 0 {
            dependents.push(Dependent {
                service: service.id(),
                values,
            });
        }
    }
    dependents
}
