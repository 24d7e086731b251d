//! A mask fits what it masks: only of a text can a part be shown.

use prost_reflect::{FieldDescriptor, Kind};

use crate::{compile::Contract, finding::Finding, options::Mask};

pub(super) fn check(contract: &Contract, findings: &mut Vec<Finding>) {
    for field in super::fields(contract) {
        let mask = contract.options.field(&field).mask();
        if mask != Mask::Unspecified && !is_text(&field) {
            findings.push(Finding::of(
                &field,
                format!(
                    "has mask {}, and is no text: leave the mask out, then nothing of the value is \
                     shown",
                    mask.as_str_name()
                ),
            ));
        }
    }
}

fn is_text(field: &FieldDescriptor) -> bool {
    matches!(field.kind(), Kind::String)
}
