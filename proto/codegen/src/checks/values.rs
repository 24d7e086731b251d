//! What a contract says a request's value must be fits the value.

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

use crate::{compile::Contract, finding::Finding};

pub(super) fn check(contract: &Contract, findings: &mut Vec<Finding>) {
    let messages = contract
        .versions
        .iter()
        .flat_map(|version| version.messages());
    for message in messages {
        check_message(contract, &message, findings);
        for field in message.fields() {
            check_field(contract, &field, findings);
        }
    }
}

fn check_message(contract: &Contract, message: &MessageDescriptor, findings: &mut Vec<Finding>) {
    for name in contract.options.message(message).any_of {
        if message.get_field_by_name(&name).is_none() {
            findings.push(Finding::at(
                &message.parent_file(),
                message.path(),
                &format!("message {}", message.name()),
                format!("has any_of `{name}`, which it does not have: name its fields"),
            ));
        }
    }
}

fn check_field(contract: &Contract, field: &FieldDescriptor, findings: &mut Vec<Finding>) {
    let annotations = contract.options.field(field);
    let text = matches!(field.kind(), Kind::String);
    let number = !matches!(
        field.kind(),
        Kind::String | Kind::Bytes | Kind::Bool | Kind::Enum(_) | Kind::Message(_)
    );
    let mut find = |problem: &str| findings.push(Finding::of(field, problem));
    if !annotations.pattern.is_empty() && !text {
        find("has a pattern, and is no text: leave it out");
    }
    if annotations.maximum > 0 && !number {
        find("has a maximum, and is no number: leave it out");
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::experience;

    const AT: &str = "experience/desk/v1/contract.proto";

    #[test]
    fn a_limit_fits_its_field() {
        let text = "string title = 1 [(strata.options.v1.field) = {sensitivity: INTERNAL";
        let with = |limit: &str| format!("{text}, {limit}");
        experience(text, &with("pattern: \"^a+$\", required: true"), &[""; 0]);
        let at = format!("{AT}:27: message Ticket, field title");
        experience(
            text,
            &with("maximum: 5"),
            &[format!(
                "{at} has a maximum, and is no number: leave it out"
            )],
        );
        let number = text.replace("string", "uint32");
        experience(text, &format!("{number}, maximum: 5"), &[""; 0]);
        experience(
            text,
            &format!("{number}, pattern: \"^a+$\""),
            &[format!("{at} has a pattern, and is no text: leave it out")],
        );
    }

    #[test]
    fn one_of_several_names_fields() {
        let message = "message PutTicketRequest {";
        let with = |name: &str| {
            format!("{message} option (strata.options.v1.message) = {{any_of: [\"{name}\"]}};")
        };
        experience(message, &with("ticket"), &[""; 0]);
        experience(
            message,
            &with("tickets"),
            &[format!(
                "{AT}:22: message PutTicketRequest has any_of `tickets`, which it does not have: \
                 name its fields"
            )],
        );
    }
}
