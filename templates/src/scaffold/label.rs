//! Labels in the words of the papers they are written to.

use std::fmt::Debug;

use heck::ToSnakeCase as _;
use serde::{
    Deserialize,
    de::value::{Error, StringDeserializer},
};
use strata_core::{Categories, Category, Label, Sensitivity};
use toml_edit::{Array, InlineTable};

use super::contract::Annotations;

/// The label a field states.
pub(super) fn stated(annotations: &Annotations) -> Label {
    let categories = annotations.words("categories");
    let categories: Vec<Category> = categories.iter().filter_map(|name| word(name)).collect();
    let sensitivity = annotations.words("sensitivity");
    let sensitivity: Option<Sensitivity> = sensitivity.first().and_then(|name| word(name));
    Label {
        // A contract without a label does not build; until then it reads as the highest.
        sensitivity: sensitivity.unwrap_or(Sensitivity::Restricted),
        categories: Categories::from(categories),
    }
}

fn word<'de, T: Deserialize<'de>>(name: &str) -> Option<T> {
    T::deserialize(StringDeserializer::<Error>::new(name.to_lowercase())).ok()
}

/// As a policy writes it: the `clearance` that covers it.
pub(crate) fn in_policy(label: Label) -> InlineTable {
    let name = |word: &dyn Debug| format!("{word:?}").to_snake_case();
    let mut table = InlineTable::new();
    table.insert("sensitivity", name(&label.sensitivity).into());
    let categories: Array = label.categories.iter().map(|c| name(&c)).collect();
    if !categories.is_empty() {
        table.insert("categories", categories.into());
    }
    table
}
