//! Every value has a label.

use prost_reflect::{FieldDescriptor, Kind};

use crate::{
    compile::Contract,
    finding::Finding,
    options::{Category, Sensitivity},
};

pub(super) fn check(contract: &Contract, findings: &mut Vec<Finding>) {
    for message in contract
        .versions
        .iter()
        .flat_map(|version| version.messages())
    {
        for field in message.fields() {
            check_field(contract, &field, findings);
        }
    }
}

fn check_field(contract: &Contract, field: &FieldDescriptor, findings: &mut Vec<Finding>) {
    let message = field.parent_message();
    let subject = format!("message {}, field {}", message.name(), field.name());
    let mut find = |problem: String| {
        findings.push(Finding::at(
            &message.parent_file(),
            field.path(),
            &subject,
            problem,
        ));
    };
    let annotations = contract.options.field(field);
    let labelled = annotations.sensitivity() != Sensitivity::Unspecified;
    if let Some(inner) = labelled_by(field) {
        if labelled || !annotations.categories.is_empty() {
            find(format!(
                "states a label, but takes its label from message {inner}: remove sensitivity and \
                 categories here"
            ));
        }
    } else if !labelled {
        find(
            "has no label: write [(strata.options.v1.field) = {sensitivity: INTERNAL}] with the \
             sensitivity that fits"
                .to_owned(),
        );
    }
    if annotations
        .categories()
        .any(|category| category == Category::Unspecified)
    {
        find("has category CATEGORY_UNSPECIFIED: name a category or none".to_owned());
    }
    if annotations
        .declassify
        .is_some_and(|declassify| declassify.reason.trim().is_empty())
    {
        find("is declassified without a reason: say why its label may be lower".to_owned());
    }
}

/// The message of a contract that labels the field. A map states its label, since its keys are
/// values too; the well-known types are values.
fn labelled_by(field: &FieldDescriptor) -> Option<String> {
    match field.kind() {
        Kind::Message(message)
            if !field.is_map() && message.package_name() != "google.protobuf" =>
        {
            Some(message.name().to_owned())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::system;

    #[test]
    fn a_value_needs_a_label() {
        let remedy = "has no label: write [(strata.options.v1.field) = {sensitivity: INTERNAL}] with \
                      the sensitivity that fits";
        for (honest, wrong, line, field) in [
            (
                "minor = 1 [(strata.options.v1.field) = {sensitivity: INTERNAL}]",
                "minor = 1",
                23,
                "message Amount, field minor",
            ),
            (
                "since = 2 [(strata.options.v1.field) = {sensitivity: INTERNAL}]",
                "since = 2",
                26,
                "message Price, field since",
            ),
            (
                "{sensitivity: INTERNAL, categories: [PERSONAL]}",
                "{categories: [PERSONAL]}",
                27,
                "message Price, field state",
            ),
            (
                "by_region = 4 [(strata.options.v1.field) = {sensitivity: INTERNAL}]",
                "by_region = 4",
                28,
                "message Price, field by_region",
            ),
        ] {
            let expected = format!("system/price-list/v1/contract.proto:{line}: {field} {remedy}");
            system(honest, wrong, &[&expected]);
        }
    }

    #[test]
    fn a_message_labels_the_fields_of_its_type() {
        system(
            "Amount amount = 1;",
            "Amount amount = 1 [(strata.options.v1.field) = {sensitivity: PUBLIC}];",
            &[
                "system/price-list/v1/contract.proto:25: message Price, field amount states a label, but \
               takes its label from message Amount: remove sensitivity and categories here",
            ],
        );
    }

    #[test]
    fn a_label_names_what_it_means() {
        system(
            "[PERSONAL]",
            "[CATEGORY_UNSPECIFIED]",
            &[
                "system/price-list/v1/contract.proto:27: message Price, field state has category \
               CATEGORY_UNSPECIFIED: name a category or none",
            ],
        );
        system(
            "printed in the catalogue",
            " ",
            &[
                "system/price-list/v1/contract.proto:29: message Price, field tags is declassified \
               without a reason: say why its label may be lower",
            ],
        );
    }
}
