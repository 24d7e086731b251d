//! The name an answer keeps for saying what of it is masked.

use strata_core::Layer;

use crate::{compile::Contract, finding::Finding};

/// The member of an answer in JSON that names what is masked.
const MASKED: &str = "masked";

pub(super) fn check(contract: &Contract, findings: &mut Vec<Finding>) {
    if contract.folder.layer != Layer::Experience {
        return;
    }
    let services = contract
        .versions
        .iter()
        .flat_map(|version| version.services());
    let methods = services.flat_map(|service| service.methods().collect::<Vec<_>>());
    let mut answers: Vec<_> = methods.map(|method| method.output()).collect();
    answers.sort_unstable_by(|one, other| one.full_name().cmp(other.full_name()));
    answers.dedup();
    for message in answers {
        let field = message.get_field_by_json_name(MASKED);
        findings.extend(field.map(|field| {
            Finding::at(
                &message.parent_file(),
                field.path(),
                &format!("message {}, field {}", message.name(), field.name()),
                "has the name by which an answer says what of it is masked: choose another",
            )
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::experience;

    #[test]
    fn no_answer_has_a_member_of_that_name() {
        let title = "string title = 1";
        experience(
            title,
            "string masked = 1",
            &[
                "experience/desk/v1/contract.proto:27: message Ticket, field masked has the name by \
               which an answer says what of it is masked: choose another",
            ],
        );
        experience(
            "repeated string tags = 3",
            "repeated string masked = 3",
            &[""; 0],
        );
    }
}
