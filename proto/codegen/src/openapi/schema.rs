//! Messages and enums as JSON Schema (2020-12), in the form pbjson writes and reads them
//! (<https://protobuf.dev/programming-guides/json/>).

use std::collections::BTreeSet;

use prost_reflect::{EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value, json};

use super::{insert, label, masked, problem, scalar};
use crate::{
    comments,
    compile::{Contract, Version},
    limits::{Length, Limits},
    options::{Label, Sensitivity},
};

/// Which way a value goes: more is read than is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    /// In a path or query: text.
    Parameter,
    /// In a body: numbers also as text and text also as numbers, as the mapping allows; what may be
    /// absent may be null; nothing unknown.
    Request,
    /// In an answer: every member that has no presence of its own.
    Response,
}

/// The schemas of one document.
pub(super) struct Schemas<'a> {
    contract: &'a Contract,
    /// Types some answer holds, by full name: in a request these have another schema.
    answered: BTreeSet<String>,
    found: Map<String, Value>,
}

impl<'a> Schemas<'a> {
    pub(super) fn of(contract: &'a Contract, version: &Version) -> Self {
        let mut answered = BTreeSet::new();
        for service in version.services() {
            for method in service.methods() {
                reach(&method.output(), &mut answered);
                // A parameter has the form of an answer: text.
                let request = method.input();
                let enums = request.fields().map(|field| field.kind());
                answered.extend(enums.filter_map(|kind| match kind {
                    Kind::Enum(values) => Some(values.full_name().to_owned()),
                    _ => None,
                }));
            }
        }
        Self {
            contract,
            answered,
            found: Map::new(),
        }
    }

    pub(super) fn into_components(mut self) -> Map<String, Value> {
        self.found
            .insert(problem::SCHEMA.to_owned(), problem::schema());
        self.found
            .insert(masked::SCHEMA.to_owned(), masked::schema());
        self.found
    }

    /// A message: a reference to its schema, or the schema itself where JSON has a form of its own.
    pub(super) fn message(&mut self, message: &MessageDescriptor, way: Direction) -> Value {
        if let Some(schema) = well_known(message, way) {
            return schema;
        }
        let (name, package) = (message.full_name(), message.package_name());
        self.component(name, package, way, |schemas| {
            schemas.object(message, way, &[])
        })
    }

    /// A reference to the schema of a type, which `make` makes the first time.
    fn component(
        &mut self,
        full_name: &str,
        package: &str,
        way: Direction,
        make: impl FnOnce(&mut Self) -> Value,
    ) -> Value {
        let name = full_name
            .strip_prefix(package)
            .and_then(|rest| rest.strip_prefix('.'));
        let mut name = name.unwrap_or(full_name).to_owned();
        if way == Direction::Request && self.answered.contains(full_name) {
            name.push_str("Input");
        }
        if !self.found.contains_key(&name) {
            // Takes its place first, so that a recursive message ends.
            self.found.insert(name.clone(), Value::Null);
            let schema = make(self);
            self.found.insert(name.clone(), schema);
        }
        json!({"$ref": format!("#/components/schemas/{name}")})
    }

    /// A message's own schema, without the fields of `elsewhere`.
    pub(super) fn object(
        &mut self,
        message: &MessageDescriptor,
        way: Direction,
        elsewhere: &[FieldDescriptor],
    ) -> Value {
        let mut schema = json!({"type": "object"});
        if let Some(about) = comments::text(&message.parent_file(), message.path()) {
            insert(&mut schema, "description", json!(about));
        }
        let fields = message.fields().filter(|field| !elsewhere.contains(field));
        let (mut properties, mut required) = (Map::new(), Vec::new());
        for field in fields {
            let mut value = self.value(&field, way);
            if let Some(about) = comments::text(&message.parent_file(), field.path()) {
                insert(&mut value, "description", json!(about));
            }
            if let Some(label) = self.label(&field) {
                insert(&mut value, "x-strata-label", label);
            }
            properties.insert(field.json_name().to_owned(), value);
            let always = match way {
                Direction::Response => {
                    field.is_list() || field.is_map() || !field.supports_presence()
                }
                Direction::Request | Direction::Parameter => self.is_required(&field),
            };
            if always {
                required.push(field.json_name().to_owned());
            }
        }
        insert(&mut schema, "properties", properties.into());
        if !required.is_empty() {
            insert(&mut schema, "required", json!(required));
        }
        if way == Direction::Request {
            insert(&mut schema, "additionalProperties", json!(false));
            let any: Vec<_> = self
                .contract
                .options
                .message(message)
                .any_of
                .iter()
                .filter_map(|name| message.get_field_by_name(name))
                .map(|field| given(field.json_name()))
                .collect();
            if !any.is_empty() {
                insert(&mut schema, "anyOf", json!(any));
            }
        }
        let exclusive = exclusive(message);
        if !exclusive.is_empty() {
            insert(&mut schema, "allOf", json!(exclusive));
        }
        schema
    }

    /// A field's value.
    pub(super) fn value(&mut self, field: &FieldDescriptor, way: Direction) -> Value {
        if field.is_map() {
            return self.map(field, way);
        }
        let mut schema = self.one(&field.kind(), way);
        self.limit(field, &mut schema, way);
        if field.is_list() {
            let mut many = json!({"type": "array", "items": schema});
            self.count(field, &mut many, "maxItems", way);
            return many;
        }
        if way == Direction::Request && field.supports_presence() && !self.is_required(field) {
            return or_null(schema);
        }
        schema
    }

    /// What the contract says of the values a request may have.
    fn limit(&self, field: &FieldDescriptor, schema: &mut Value, way: Direction) {
        let annotations = self.contract.options.field(field);
        if !annotations.example.is_empty() {
            insert(schema, "examples", json!([annotations.example]));
        }
        if way == Direction::Response {
            return;
        }
        if !annotations.pattern.is_empty() {
            insert(schema, "pattern", json!(annotations.pattern));
        }
        if annotations.maximum > 0 {
            insert(schema, "maximum", json!(annotations.maximum));
        }
        self.length(field, &field.kind(), schema);
    }

    /// How long a value of a request may be.
    fn length(&self, field: &FieldDescriptor, kind: &Kind, schema: &mut Value) {
        let longest = match Limits::of(&self.contract.options, field).length(kind) {
            Some(Length::Characters(characters)) => characters,
            // In base64, padding included (RFC 4648, section 4).
            Some(Length::Bytes(bytes)) => bytes.div_ceil(3).saturating_mul(4),
            None => return,
        };
        insert(schema, "maxLength", json!(longest));
    }

    /// How many items or entries a field of a request may have, by the `keyword` of its type.
    fn count(&self, field: &FieldDescriptor, schema: &mut Value, keyword: &str, way: Direction) {
        let most = Limits::of(&self.contract.options, field).items;
        if let Some(most) = most.filter(|_| way != Direction::Response) {
            insert(schema, keyword, json!(most));
        }
    }

    fn map(&mut self, field: &FieldDescriptor, way: Direction) -> Value {
        let Kind::Message(entry) = field.kind() else {
            return json!({});
        };
        let kind = entry.map_entry_value_field().kind();
        let mut value = self.one(&kind, way);
        if way == Direction::Request {
            self.length(field, &kind, &mut value);
        }
        let mut schema = json!({"type": "object", "additionalProperties": value});
        self.count(field, &mut schema, "maxProperties", way);
        let keys = match entry.map_entry_key_field().kind() {
            Kind::String => None,
            Kind::Bool => Some("^(true|false)$"),
            Kind::Uint32 | Kind::Uint64 | Kind::Fixed32 | Kind::Fixed64 => Some("^[0-9]+$"),
            _ => Some("^-?[0-9]+$"),
        };
        if let Some(pattern) = keys {
            insert(&mut schema, "propertyNames", json!({"pattern": pattern}));
        }
        schema
    }

    fn one(&mut self, kind: &Kind, way: Direction) -> Value {
        match kind {
            Kind::String => json!({"type": "string"}),
            Kind::Bool => json!({"type": "boolean"}),
            Kind::Bytes => json!({
                "type": "string",
                "contentEncoding": "base64",
                "pattern": "^[A-Za-z0-9+/_-]*={0,2}$"
            }),
            Kind::Double | Kind::Float => scalar::number(kind, way),
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => scalar::integer32(true, way),
            Kind::Uint32 | Kind::Fixed32 => scalar::integer32(false, way),
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => scalar::integer64(true, way),
            Kind::Uint64 | Kind::Fixed64 => scalar::integer64(false, way),
            Kind::Enum(values) => {
                let (name, package) = (values.full_name(), values.package_name());
                self.component(name, package, way, |_| enumeration(values, way))
            }
            Kind::Message(message) => self.message(message, way),
        }
    }

    /// Whether a request must have the field.
    pub(super) fn is_required(&self, field: &FieldDescriptor) -> bool {
        self.contract.options.field(field).required
    }

    /// The label of a value; a message has none of its own.
    pub(super) fn label(&self, field: &FieldDescriptor) -> Option<Value> {
        let annotations = self.contract.options.field(field);
        if annotations.sensitivity() == Sensitivity::Unspecified {
            return None;
        }
        let mask = masked::shown(annotations.mask());
        let mut shown = label(&Label {
            sensitivity: annotations.sensitivity,
            categories: annotations.categories,
        });
        if !annotations.kind.is_empty() {
            insert(&mut shown, "kind", json!(annotations.kind));
        }
        if let Some(mask) = mask {
            insert(&mut shown, "masked", json!(mask));
        }
        Some(shown)
    }
}

/// Adds what `message` holds, itself included.
fn reach(message: &MessageDescriptor, reached: &mut BTreeSet<String>) {
    if !reached.insert(message.full_name().to_owned()) {
        return;
    }
    for field in message.fields() {
        match field.kind() {
            Kind::Message(inner) => reach(&inner, reached),
            Kind::Enum(values) => {
                reached.insert(values.full_name().to_owned());
            }
            _ => {}
        }
    }
}

/// Well-known types with a JSON form of their own; the others are messages like any.
fn well_known(message: &MessageDescriptor, way: Direction) -> Option<Value> {
    let wrapped = |kind: &Kind| match kind {
        Kind::Int64 => scalar::integer64(true, way),
        Kind::Uint64 => scalar::integer64(false, way),
        Kind::Int32 => scalar::integer32(true, way),
        Kind::Uint32 => scalar::integer32(false, way),
        Kind::Double | Kind::Float => scalar::number(kind, way),
        Kind::Bool => json!({"type": "boolean"}),
        Kind::Bytes => json!({"type": "string", "contentEncoding": "base64"}),
        _ => json!({"type": "string"}),
    };
    Some(match message.full_name() {
        "google.protobuf.Timestamp" => json!({"type": "string", "format": "date-time"}),
        "google.protobuf.Duration" => {
            json!({"type": "string", "pattern": "^-?[0-9]+(\\.[0-9]{1,9})?s$"})
        }
        "google.protobuf.Struct" => json!({"type": "object"}),
        "google.protobuf.ListValue" => json!({"type": "array"}),
        "google.protobuf.Value" => json!({}),
        name if name.starts_with("google.protobuf.") && name.ends_with("Value") => {
            wrapped(&message.get_field_by_name("value")?.kind())
        }
        _ => return None,
    })
}

fn enumeration(values: &EnumDescriptor, way: Direction) -> Value {
    let file = values.parent_file();
    let mut about: Vec<_> = comments::text(&file, values.path()).into_iter().collect();
    about.extend(values.values().filter_map(|value| {
        let text = comments::text(&file, value.path())?;
        Some(format!("- `{}`: {text}", value.name()))
    }));
    let names = values.values().map(|value| json!(value.name()));
    let mut schema = if way == Direction::Request {
        let numbers = values.values().map(|value| json!(value.number()));
        json!({"enum": names.chain(numbers).collect::<Vec<_>>()})
    } else {
        json!({"type": "string", "enum": names.collect::<Vec<_>>()})
    };
    if !about.is_empty() {
        insert(&mut schema, "description", json!(about.join("\n")));
    }
    schema
}

/// The same, or null, which says the same as to leave it out.
fn or_null(mut schema: Value) -> Value {
    match schema.get("type").cloned() {
        Some(Value::String(kind)) => {
            insert(&mut schema, "type", json!([kind, "null"]));
            schema
        }
        Some(Value::Array(mut kinds)) => {
            kinds.push(json!("null"));
            insert(&mut schema, "type", kinds.into());
            schema
        }
        _ => json!({"anyOf": [schema, {"type": "null"}]}),
    }
}

/// That a member is there and is no null.
fn given(name: &str) -> Value {
    json!({"required": [name], "properties": { (name): {"not": {"type": "null"}} }})
}

/// That of the members of each oneof at most one is there.
fn exclusive(message: &MessageDescriptor) -> Vec<Value> {
    let mut rules = Vec::new();
    for oneof in message.oneofs().filter(|oneof| !oneof.is_synthetic()) {
        let fields: Vec<_> = oneof.fields().collect();
        for (at, one) in fields.iter().enumerate() {
            for other in fields.iter().skip(at + 1) {
                let both = json!([one.json_name(), other.json_name()]);
                rules.push(json!({"not": {"required": both}}));
            }
        }
    }
    rules
}
