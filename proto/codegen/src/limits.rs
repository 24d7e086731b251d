//! How much a field may hold: what it states in `(strata.options.v1.field)`, and what holds where it
//! states nothing. Everything that speaks of a field's length or count reads it here.

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

use crate::{compile::Version, options::Options};

/// Characters of a text.
const CHARACTERS: u32 = 1_024;
/// Bytes of a value that is no text.
const BYTES: u32 = 64 * 1024;
/// Items of a list, entries of a map.
const ITEMS: u32 = 1_000;

/// The limits of one field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Items of a list, entries of a map; none for any other field.
    pub(crate) items: Option<u32>,
    stated_length: Option<u32>,
}

/// How long a value may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Length {
    /// A text, in Unicode code points.
    Characters(u32),
    /// Any other, in bytes.
    Bytes(u32),
}

impl Limits {
    /// Those of `field`.
    pub(crate) fn of(options: &Options, field: &FieldDescriptor) -> Self {
        let annotations = options.field(field);
        let many = field.is_list() || field.is_map();
        Self {
            items: many.then(|| annotations.max_items.unwrap_or(ITEMS)),
            stated_length: annotations.max_length,
        }
    }

    /// How long each value of `kind` may be: the field's own, its items', or a map's keys or values.
    /// None for what has no length.
    pub(crate) fn length(&self, kind: &Kind) -> Option<Length> {
        match kind {
            Kind::String => Some(Length::Characters(self.stated_length.unwrap_or(CHARACTERS))),
            Kind::Bytes => Some(Length::Bytes(self.stated_length.unwrap_or(BYTES))),
            _ => None,
        }
    }
}

/// The kinds of value a field holds: one, or those of a map's keys and values.
pub(crate) fn kinds(field: &FieldDescriptor) -> Vec<Kind> {
    match field.kind() {
        Kind::Message(entry) if field.is_map() => vec![
            entry.map_entry_key_field().kind(),
            entry.map_entry_value_field().kind(),
        ],
        kind => vec![kind],
    }
}

/// The messages of a contract that a request can hold, those of its methods first.
pub(crate) fn requests(version: &Version) -> Vec<MessageDescriptor> {
    let mut found: Vec<MessageDescriptor> = Vec::new();
    let add = |found: &mut Vec<_>, message: MessageDescriptor| {
        if message.package_name() != "google.protobuf" && !found.contains(&message) {
            found.push(message);
        }
    };
    for method in version
        .services()
        .flat_map(|s| s.methods().collect::<Vec<_>>())
    {
        add(&mut found, method.input());
    }
    let mut next = 0;
    while let Some(message) = found.get(next).cloned() {
        for kind in message.fields().flat_map(|field| kinds(&field)) {
            if let Kind::Message(inner) = kind {
                add(&mut found, inner);
            }
        }
        next += 1;
    }
    found
}
