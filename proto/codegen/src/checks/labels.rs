//! Every value has a label.

use prost_reflect::FieldDescriptor;

use crate::{
    compile::Contract,
    finding::Finding,
    labels,
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
    let mut find = |problem: String| findings.push(Finding::of(field, problem));
    let annotations = contract.options.field(field);
    let labelled = annotations.sensitivity() != Sensitivity::Unspecified;
    if let Some(inner) = labels::held(field).filter(|_| !labels::is_value(field)) {
        if labelled || !annotations.categories.is_empty() {
            find(format!(
                "states a label, but takes its label from message {}: remove sensitivity and \
                 categories here",
                inner.name()
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
    if let Some(declassify) = &annotations.declassify {
        if declassify.reason.trim().is_empty() {
            find("is declassified without a reason: say why its label may be lower".to_owned());
        }
        if annotations.from.is_empty() {
            find(
                "is declassified, and is from no other field: leave declassify out, or name in \
                 `from` what it is lower than"
                    .to_owned(),
            );
        }
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
                "{sensitivity: INTERNAL, categories: [PERSONAL]}]",
                "{categories: [PERSONAL]}]",
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
            "[PERSONAL]}]",
            "[CATEGORY_UNSPECIFIED]}]",
            &[
                "system/price-list/v1/contract.proto:27: message Price, field state has category \
               CATEGORY_UNSPECIFIED: name a category or none",
            ],
        );
    }
}
