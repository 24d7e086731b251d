//! A kind of value is one the estate knows, and its values are labelled as it asks.

use prost_reflect::FieldDescriptor;

use crate::{
    classification::FILE, compile::Contract, finding::Finding, labels, nearest,
    options::Sensitivity,
};

pub(super) fn check(contract: &Contract, findings: &mut Vec<Finding>) {
    for field in super::fields(contract) {
        if let Some(problem) = problem(contract, &field) {
            findings.push(Finding::of(&field, problem));
        }
    }
}

fn problem(contract: &Contract, field: &FieldDescriptor) -> Option<String> {
    let annotations = contract.options.field(field);
    let name = &annotations.kind;
    if name.is_empty() {
        return None;
    }
    let kinds = &contract.classification.kinds;
    let Some(kind) = kinds.get(name) else {
        let known = nearest::instead(name, kinds.keys().map(String::as_str));
        return Some(format!(
            "is of kind `{name}`, which {FILE} does not have: {known}, or add [kinds.{name}] there"
        ));
    };
    if !labels::is_value(field) {
        // It would count in no combination.
        return Some(format!(
            "is of kind `{name}`, but its values are those of its message: state the kind there"
        ));
    }
    let label = labels::stated(&contract.options, field);
    let labelled = annotations.sensitivity() != Sensitivity::Unspecified;
    (labelled && !label.covers(kind.least)).then(|| {
        format!(
            "is {}, and kind `{name}` is at least {}: label it {}, or name another kind",
            labels::in_words(label),
            labels::in_words(kind.least),
            labels::in_contract(label.join(kind.least))
        )
    })
}
