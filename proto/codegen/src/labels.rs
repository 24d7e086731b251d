//! What is computed from the labels a contract states: the most a message can hold.

use std::collections::BTreeMap;

use heck::ToShoutySnakeCase as _;
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use strata_core as core;

use crate::{
    classification::{Classification, Combination},
    options::{self, Options},
};

/// One value of a message, or of what the message holds.
#[derive(Clone, Debug)]
pub(crate) struct Valued {
    /// The field, by its path from the message: `orders.lines.sku`.
    pub(crate) path: String,
    pub(crate) field: FieldDescriptor,
    pub(crate) label: core::Label,
    /// May be empty.
    pub(crate) kind: String,
}

/// The label a field states. What states none, or what the checks refuse, reads as the highest.
pub(crate) fn stated(options: &Options, field: &FieldDescriptor) -> core::Label {
    let annotations = options.field(field);
    let label = options::Label {
        sensitivity: annotations.sensitivity,
        categories: annotations.categories,
    };
    label.read()
}

/// The most a field can hold: what it states, and what the values of its message are.
pub(crate) fn of_field(
    options: &Options,
    classification: &Classification,
    field: &FieldDescriptor,
) -> core::Label {
    let own = is_value(field).then(|| stated(options, field));
    let inner = held(field).map(|message| of_message(options, classification, &message));
    let labels = own.into_iter().chain(inner);
    labels.fold(core::Label::default(), core::Label::join)
}

/// The message of the contract whose own fields carry a field's labels; none when the field is a
/// value itself. A map's values are labelled by the map and by their own fields.
pub(crate) fn held(field: &FieldDescriptor) -> Option<MessageDescriptor> {
    let kind = match field.kind() {
        Kind::Message(entry) if field.is_map() => entry.map_entry_value_field().kind(),
        kind => kind,
    };
    match kind {
        Kind::Message(message) if message.package_name() != "google.protobuf" => Some(message),
        _ => None,
    }
}

/// Whether a field states a label: each does, unless it is a message of the contract.
pub(crate) fn is_value(field: &FieldDescriptor) -> bool {
    field.is_map() || held(field).is_none()
}

/// Every value a message can hold, at whatever depth; each field once, by the shortest path to it.
pub(crate) fn values(options: &Options, message: &MessageDescriptor) -> Vec<Valued> {
    let mut found = Vec::new();
    let mut paths = BTreeMap::from([(message.full_name().to_owned(), String::new())]);
    let mut open = std::collections::VecDeque::from([message.clone()]);
    while let Some(message) = open.pop_front() {
        let prefix = paths.get(message.full_name()).cloned().unwrap_or_default();
        for field in message.fields() {
            let path = format!("{prefix}{}", field.name());
            if let Some(inner) = held(&field)
                && !paths.contains_key(inner.full_name())
            {
                paths.insert(inner.full_name().to_owned(), format!("{path}."));
                open.push_back(inner);
            }
            if is_value(&field) {
                found.push(Valued {
                    path,
                    label: stated(options, &field),
                    kind: options.field(&field).kind,
                    field,
                });
            }
        }
    }
    found
}

/// The combinations whose every kind is among the values.
pub(crate) fn combinations<'a>(
    classification: &'a Classification,
    values: &[Valued],
) -> Vec<&'a Combination> {
    let is_there = |kind: &String| values.iter().any(|value| value.kind == *kind);
    let combinations = classification.combinations.iter();
    combinations
        .filter(|combination| combination.kinds.iter().all(is_there))
        .collect()
}

/// The most a message can hold: the join of its values, raised by what they amount to together.
pub(crate) fn of_message(
    options: &Options,
    classification: &Classification,
    message: &MessageDescriptor,
) -> core::Label {
    let values = values(options, message);
    let joined = values.iter().fold(core::Label::default(), |label, value| {
        label.join(value.label)
    });
    combinations(classification, &values)
        .iter()
        .fold(joined, |label, combination| label.join(combination.label))
}

/// What a mask of a contract is at run time; where none is stated, nothing is shown.
pub(crate) const fn mask(stated: options::Mask) -> core::masking::Mask {
    match stated {
        options::Mask::Unspecified => core::masking::Mask::Redact,
        options::Mask::LastFour => core::masking::Mask::LastFour,
        options::Mask::Initial => core::masking::Mask::Initial,
        options::Mask::Domain => core::masking::Mask::Domain,
        options::Mask::Year => core::masking::Mask::Year,
        options::Mask::Area => core::masking::Mask::Area,
        options::Mask::Token => core::masking::Mask::Token,
    }
}

/// A label in a sentence: `CONFIDENTIAL [PERSONAL]`.
pub(crate) fn in_words(label: core::Label) -> String {
    let sensitivity = word(&label.sensitivity);
    match categories(label) {
        categories if categories.is_empty() => sensitivity,
        categories => format!("{sensitivity} [{categories}]"),
    }
}

/// A label as a contract states it: `{sensitivity: CONFIDENTIAL, categories: [PERSONAL]}`.
pub(crate) fn in_contract(label: core::Label) -> String {
    format!("{{{}}}", annotation(label))
}

/// The same among other annotations: `sensitivity: CONFIDENTIAL, categories: [PERSONAL]`.
#[must_use]
pub fn annotation(label: core::Label) -> String {
    let sensitivity = word(&label.sensitivity);
    match categories(label) {
        categories if categories.is_empty() => format!("sensitivity: {sensitivity}"),
        categories => format!("sensitivity: {sensitivity}, categories: [{categories}]"),
    }
}

fn categories(label: core::Label) -> String {
    let categories = label.categories.iter().map(|category| word(&category));
    categories.collect::<Vec<_>>().join(", ")
}

fn word(value: &dyn std::fmt::Debug) -> String {
    format!("{value:?}").to_shouty_snake_case()
}
