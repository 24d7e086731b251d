//! What a new service passes on: the callee's answer, message by message, with labels and lineage.
//!
//! Left where it is: what is RESTRICTED, which nobody gets unasked; and what a developer adds by hand
//! where it is needed: members of a oneof, maps of messages, types declared inside messages,
//! recursive and deprecated ones.

use std::collections::{BTreeMap, BTreeSet};

use heck::{ToSnakeCase as _, ToUpperCamelCase as _};
use prost_reflect::{
    EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor, prost_types::FieldOptions,
};
use serde::Serialize;
use strata_core::{Label, Sensitivity};

use super::{
    contract::{Annotations, comment},
    label, limits, names,
};

/// A message of the new contract, and what it is made from.
#[derive(Serialize)]
pub(super) struct Message {
    name: String,
    comment: Vec<String>,
    /// The function that makes one.
    convert: Option<String>,
    /// What from.
    source: Option<String>,
    kind: String,
    /// What it states of itself.
    option: Option<String>,
    fields: Vec<Field>,
}

/// A field of the new contract. It has the name of what it is made from.
#[derive(Serialize)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) rust: String,
    kind: String,
    number: usize,
    comment: Vec<String>,
    annotation: String,
    /// The function that makes its value, where it is not the same.
    convert: Option<String>,
    many: bool,
}

/// An enum of the new contract.
#[derive(Serialize)]
pub(super) struct Enum {
    name: String,
    comment: Vec<String>,
    values: Vec<EnumValue>,
}

#[derive(Serialize)]
struct EnumValue {
    name: String,
    number: i32,
    comment: Vec<String>,
}

/// The types of the new contract.
#[derive(Default)]
pub(super) struct Mirror {
    pub(super) messages: Vec<Message>,
    pub(super) enums: Vec<Enum>,
    pub(super) imports: BTreeSet<String>,
    /// Names nothing else can have: enum values stand beside types.
    taken: BTreeSet<String>,
    /// What a type of the callee has become, if it could be mirrored.
    known: BTreeMap<String, Option<(String, Label)>>,
}

/// Where a mirrored type comes from.
#[derive(Clone, Copy)]
pub(super) struct Origin<'a> {
    /// The callee's name as a type's.
    pub(super) service: &'a str,
    /// The module of its contract.
    pub(super) module: &'a str,
}

impl Mirror {
    /// Keeps a name for the contract itself.
    pub(super) fn reserve(&mut self, name: String) {
        self.taken.insert(name);
    }

    /// Adds the request `name`, with those of `fields` it can have; they are returned.
    pub(super) fn request(
        &mut self,
        name: &str,
        about: &str,
        fields: &[FieldDescriptor],
    ) -> Vec<String> {
        let mut passed = Vec::new();
        let mut members = Vec::new();
        for field in fields {
            if is_left(field) || is_message(field) || field.is_map() {
                continue;
            }
            let Some(kind) = self.value_kind(field) else {
                continue;
            };
            let annotations = Annotations::of(&field.options(), "field");
            let label = label::stated(&annotations);
            passed.push(field.name().to_owned());
            members.push(member(
                field,
                members.len(),
                kind,
                annotation(&annotations, label, None),
            ));
        }
        self.messages.push(Message {
            name: name.to_owned(),
            comment: vec![format!(" {about}")],
            convert: None,
            source: None,
            kind: name.to_upper_camel_case(),
            option: limits::any_of(fields, &passed),
            fields: members,
        });
        passed
    }

    /// Adds the response `name`, made from `message`; returns its label.
    pub(super) fn response(
        &mut self,
        name: &str,
        message: &MessageDescriptor,
        origin: Origin<'_>,
    ) -> Label {
        let at = self.messages.len();
        let (fields, label) = if message.package_name() == names::WELL_KNOWN {
            (Vec::new(), Label::default())
        } else {
            self.fields(message, origin)
        };
        self.messages
            .insert(at, converted(name, message, origin, fields));
        label
    }

    fn fields(&mut self, message: &MessageDescriptor, origin: Origin<'_>) -> (Vec<Field>, Label) {
        let mut joined = Label::default();
        let mut fields = Vec::new();
        for field in message.fields() {
            let Some((member, label)) = self.field(&field, fields.len(), origin) else {
                continue;
            };
            joined = joined.join(label);
            fields.push(member);
        }
        (fields, joined)
    }

    fn field(
        &mut self,
        field: &FieldDescriptor,
        at: usize,
        origin: Origin<'_>,
    ) -> Option<(Field, Label)> {
        if is_left(field) {
            return None;
        }
        if let Kind::Message(message) = field.kind()
            && is_message(field)
        {
            let (name, label) = self.message(&message, origin)?;
            let mut member = member(field, at, named(field, &name), String::new());
            member.convert = Some(converter(&name));
            return Some((member, label));
        }
        let annotations = Annotations::of(&field.options(), "field");
        let label = label::stated(&annotations);
        if label.sensitivity == Sensitivity::Restricted {
            return None;
        }
        let kind = self.value_kind(field)?;
        let annotation = annotation(&annotations, label, Some(field.full_name()));
        Some((member(field, at, kind, annotation), label))
    }

    fn message(
        &mut self,
        message: &MessageDescriptor,
        origin: Origin<'_>,
    ) -> Option<(String, Label)> {
        let full_name = message.full_name().to_owned();
        if message.parent_message().is_some() {
            return None;
        }
        if let Some(known) = self.known.get(&full_name) {
            return known.clone();
        }
        let at = self.messages.len();
        let (fields, label) = self.fields(message, origin);
        let mirrored = if fields.is_empty() {
            None
        } else {
            let names = [
                message.name().to_owned(),
                format!("{}{}", origin.service, message.name()),
            ];
            names
                .into_iter()
                .find(|name| self.taken.insert(name.clone()))
        };
        if let Some(name) = &mirrored {
            self.messages
                .insert(at, converted(name, message, origin, fields));
        }
        let known = mirrored.map(|name| (name, label));
        self.known.insert(full_name, known.clone());
        known
    }

    /// How the new contract writes the type of a field that is passed on as it is.
    fn value_kind(&mut self, field: &FieldDescriptor) -> Option<String> {
        match field.kind() {
            Kind::Message(entry) if field.is_map() => {
                let key = scalar(&entry.map_entry_key_field())?;
                let value = scalar(&entry.map_entry_value_field())?;
                Some(format!("map<{key}, {value}>"))
            }
            Kind::Message(known) => {
                let file = well_known(&known)?;
                self.imports.insert(format!("google/protobuf/{file}.proto"));
                Some(named(field, known.full_name()))
            }
            Kind::Enum(values) => Some(named(field, &self.enumeration(&values)?)),
            _ => Some(named(field, &scalar(field)?)),
        }
    }

    fn enumeration(&mut self, from: &EnumDescriptor) -> Option<String> {
        if let Some(known) = self.known.get(from.full_name()) {
            return known.as_ref().map(|(name, _)| name.clone());
        }
        let names: Vec<String> = from
            .values()
            .map(|value| value.name().to_owned())
            .chain([from.name().to_owned()])
            .collect();
        let free = names.iter().all(|name| !self.taken.contains(name));
        let mirrored = (free && from.parent_message().is_none()).then(|| from.name().to_owned());
        let known = mirrored.clone().map(|name| (name, Label::default()));
        self.known.insert(from.full_name().to_owned(), known);
        if let Some(name) = &mirrored {
            self.taken.extend(names);
            let file = from.parent_file();
            let value = |value: prost_reflect::EnumValueDescriptor| EnumValue {
                name: value.name().to_owned(),
                number: value.number(),
                comment: comment(&file, value.path(), value.name()),
            };
            self.enums.push(Enum {
                name: name.clone(),
                comment: comment(&file, from.path(), name),
                values: from.values().map(value).collect(),
            });
        }
        mirrored
    }
}

/// Whether the field is one that no template passes on, whatever its type.
fn is_left(field: &FieldDescriptor) -> bool {
    let options = field.field_descriptor_proto().options.as_ref();
    let deprecated = options.is_some_and(FieldOptions::deprecated);
    let oneof = field.containing_oneof();
    deprecated || oneof.is_some_and(|oneof| !oneof.is_synthetic()) || is_recursive(field)
}

/// Whether a value of the field can hold another of its message.
fn is_recursive(field: &FieldDescriptor) -> bool {
    let target = field.parent_message().clone();
    let inner = |field: &FieldDescriptor| field.kind().as_message().cloned();
    let mut open: Vec<_> = inner(field).into_iter().collect();
    let mut seen = BTreeSet::new();
    while let Some(message) = open.pop() {
        if message == target {
            return true;
        }
        if seen.insert(message.full_name().to_owned()) {
            open.extend(message.fields().filter_map(|field| inner(&field)));
        }
    }
    false
}

/// Whether the field's type is a message of the contract.
fn is_message(field: &FieldDescriptor) -> bool {
    match field.kind() {
        Kind::Message(message) => !field.is_map() && message.package_name() != names::WELL_KNOWN,
        _ => false,
    }
}

/// The file of a well-known type a contract may hold and JSON, gRPC and a query all carry.
fn well_known(message: &MessageDescriptor) -> Option<&'static str> {
    match message.full_name() {
        "google.protobuf.Timestamp" => Some("timestamp"),
        "google.protobuf.Duration" => Some("duration"),
        _ => None,
    }
}

fn scalar(field: &FieldDescriptor) -> Option<String> {
    match field.kind() {
        Kind::Message(_) | Kind::Enum(_) => None,
        _ => {
            let name = field.field_descriptor_proto().r#type().as_str_name();
            Some(name.strip_prefix("TYPE_")?.to_lowercase())
        }
    }
}

fn named(field: &FieldDescriptor, kind: &str) -> String {
    if field.is_list() {
        format!("repeated {kind}")
    } else if field.field_descriptor_proto().proto3_optional() {
        format!("optional {kind}")
    } else {
        kind.to_owned()
    }
}

fn member(field: &FieldDescriptor, at: usize, kind: String, annotation: String) -> Field {
    Field {
        name: field.name().to_owned(),
        rust: names::value(field.name()),
        kind,
        number: at + 1,
        comment: comment(
            &field.parent_message().parent_file(),
            field.path(),
            field.name(),
        ),
        annotation,
        convert: None,
        many: field.is_list(),
    }
}

fn converted(
    name: &str,
    message: &MessageDescriptor,
    origin: Origin<'_>,
    fields: Vec<Field>,
) -> Message {
    Message {
        name: name.to_owned(),
        comment: comment(&message.parent_file(), message.path(), message.name()),
        convert: Some(converter(name)),
        source: Some(names::path(origin.module, message)),
        kind: name.to_upper_camel_case(),
        option: None,
        fields,
    }
}

/// The function that makes a message.
pub(super) fn converter(message: &str) -> String {
    format!("to_{}", message.to_snake_case())
}

fn annotation(annotations: &Annotations, label: Label, from: Option<&str>) -> String {
    let mut parts = vec![strata_codegen::annotation(label)];
    let kind = annotations.text("kind");
    if !kind.is_empty() {
        parts.push(format!("kind: {kind:?}"));
    }
    parts.extend(
        annotations
            .words("mask")
            .iter()
            .map(|mask| format!("mask: {mask}")),
    );
    for trait_ in ["subject", "owner", "region", "tenant"] {
        if annotations.flag(trait_) {
            parts.push(format!("{trait_}: true"));
        }
    }
    if from.is_none() {
        parts.extend(limits::stated(annotations));
    }
    let from = from
        .map(|from| format!("\n    from: [\"{from}\"]"))
        .unwrap_or_default();
    format!(
        " [(strata.options.v1.field) = {{\n    {}{from}\n  }}]",
        parts.join(", ")
    )
}
