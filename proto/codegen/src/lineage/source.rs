//! The field a full name leads to.

use prost_reflect::FieldDescriptor;
use strata_core::{Label, Layer};

use crate::{
    compile::Contract,
    contracts::Contracts,
    finding,
    labels::{self, in_words},
    nearest,
    options::{FieldAnnotations, Sensitivity},
};

/// A field, and the contract that declares it.
#[derive(Clone)]
pub(super) struct Source<'a> {
    pub(super) contract: &'a Contract,
    pub(super) field: FieldDescriptor,
}

impl Source<'_> {
    pub(super) fn annotations(&self) -> FieldAnnotations {
        self.contract.options.field(&self.field)
    }

    pub(super) fn label(&self) -> Label {
        let contract = self.contract;
        labels::of_field(&contract.options, &contract.classification, &self.field)
    }

    /// Whether it has a label of its own or of its message. One without is a finding of its own.
    pub(super) fn is_labelled(&self) -> bool {
        let states = self.annotations().sensitivity() != Sensitivity::Unspecified;
        states || !labels::is_value(&self.field)
    }

    /// Its full name, its label and where it is stated.
    pub(super) fn described(&self) -> String {
        let label = in_words(self.label());
        format!("{} ({label}, {})", self.field.full_name(), self.place())
    }

    pub(super) fn place(&self) -> String {
        let file = self.field.parent_message().parent_file();
        finding::place(&file, self.field.path())
    }
}

/// The least label that is at least all of theirs.
pub(super) fn joined(sources: &[Source<'_>]) -> Label {
    let labels = sources.iter().map(Source::label);
    labels.fold(Label::default(), Label::join)
}

/// The field of that full name; or what is wrong with it, as the rest of a sentence.
pub(super) fn named<'a>(contracts: &'a Contracts, full_name: &str) -> Result<Source<'a>, String> {
    let malformed = || {
        "which is no field's full name: write <layer>.<service>.v<number>.<Message>.<field>"
            .to_owned()
    };
    let parts: Vec<_> = full_name.split('.').collect();
    let [layer, service, version, messages @ .., field] = parts.as_slice() else {
        return Err(malformed());
    };
    let layer: Layer = layer.parse().map_err(|_| malformed())?;
    if messages.is_empty() {
        return Err(malformed());
    }
    let package = format!("{layer}.{service}");
    let Some(id) = contracts.of_package(&package).first() else {
        let known = contracts.ids().filter(|id| id.layer == layer);
        let packages: Vec<_> = known.map(|id| id.service.replace('-', "_")).collect();
        return Err(format!(
            "but there is no {layer} contract `{service}`: {}",
            nearest::instead(service, packages.iter().map(String::as_str))
        ));
    };
    let Some(Ok(contract)) = contracts.get(id) else {
        return Err(format!(
            "whose contract does not compile: correct {id} first"
        ));
    };
    let in_package = format!("{package}.{version}.");
    let Some(found) = contract
        .versions
        .iter()
        .find(|known| known.name == *version)
    else {
        let known = contract
            .versions
            .iter()
            .map(|version| version.name.as_str());
        return Err(format!(
            "but {id} has no version `{version}`: {}",
            nearest::instead(version, known)
        ));
    };
    let name = messages.join(".");
    let Some(message) = contract.message(&format!("{in_package}{name}")) else {
        let known = found.messages();
        let known = known.iter().map(|message| {
            let name = message.full_name();
            name.strip_prefix(&in_package).unwrap_or(name)
        });
        return Err(format!(
            "but {id} has no message `{name}`: {}",
            nearest::instead(&name, known)
        ));
    };
    match message.get_field_by_name(field) {
        Some(field) => Ok(Source { contract, field }),
        None => {
            let known: Vec<_> = message
                .fields()
                .map(|field| field.name().to_owned())
                .collect();
            let instead = nearest::instead(field, known.iter().map(String::as_str));
            let is_removed = message.reserved_names().any(|name| name == *field);
            Err(if is_removed {
                format!(
                    "which was removed from message {name}, where its name is reserved: {instead}"
                )
            } else {
                format!("but message {name} has no field `{field}`: {instead}")
            })
        }
    }
}
