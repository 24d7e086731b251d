//! An object that belongs to somebody has a name that policies can know it by, and says once, as a text,
//! whose it is and where.

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use strata_core::Layer;

use crate::{
    compile::{Contract, Version},
    finding::Finding,
    options::FieldAnnotations,
    policy,
};

/// Whether a field is annotated as something.
type Is = fn(&FieldAnnotations) -> bool;

/// What is annotated of an object, and compared with the user.
const OWNER: (&str, Is) = ("owner", |of| of.owner);
const PLACES: [(&str, Is); 2] = [("region", |of| of.region), ("tenant", |of| of.tenant)];

/// What the schema of policies, and Cedar itself, call otherwise.
const TAKEN: [&str; 14] = [
    "Action",
    "Api",
    "Bool",
    "Boolean",
    "Context",
    "Entity",
    "Extension",
    "Long",
    "Record",
    "Role",
    "Set",
    "String",
    "User",
    "Workload",
];

pub(super) fn check(contract: &Contract, findings: &mut Vec<Finding>) {
    names(contract, findings);
    for message in contract.versions.iter().flat_map(Version::messages) {
        let owned = once(contract, &message, OWNER, findings).is_some();
        for place in PLACES {
            let field = once(contract, &message, place, findings).filter(|_| !owned);
            findings.extend(field.map(|field| {
                let problem = format!(
                    "is the {} of what has no owner: annotate the field with the owner's id too",
                    place.0
                );
                Finding::of(&field, problem)
            }));
        }
    }
}

/// The field of `message` that is annotated so: one, and a text.
fn once(
    contract: &Contract,
    message: &MessageDescriptor,
    (name, is): (&str, Is),
    findings: &mut Vec<Finding>,
) -> Option<FieldDescriptor> {
    let mut fields = message
        .fields()
        .filter(|field| is(&contract.options.field(field)));
    let first = fields.next()?;
    if first.is_list() || !matches!(first.kind(), Kind::String) {
        let problem = format!("is the {name} and not one text: make it a string");
        findings.push(Finding::of(&first, problem));
    }
    findings.extend(fields.map(|field| {
        let problem = format!(
            "is a second {name} beside {}: annotate one of them",
            first.name()
        );
        Finding::of(&field, problem)
    }));
    Some(first)
}

fn names(contract: &Contract, findings: &mut Vec<Finding>) {
    if contract.folder.layer != Layer::System {
        return;
    }
    for field in super::fields(contract) {
        let name = policy::name(field.parent_message());
        if contract.options.field(&field).owner && TAKEN.contains(&name.as_str()) {
            let problem = format!(
                "is the owner of a `{name}`, which policies know as something else: give the message \
                 another name, such as {name}Details"
            );
            findings.push(Finding::of(&field, problem));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{SYSTEM, findings, system};

    #[test]
    fn a_field_among_several_and_a_list_are_no_owner() {
        let tags =
            "repeated string tags = 5 [(strata.options.v1.field) = {\n    sensitivity: PUBLIC\n";
        let owners = tags.replace("PUBLIC", "PUBLIC, owner: true");
        let found = "system/price-list/v1/contract.proto:29: message Price, field tags is the owner and not \
             one text: make it a string";
        system(tags, &owners, &[found]);
    }

    #[test]
    fn an_object_is_not_called_as_policies_call_others() {
        let state =
            "string owner = 2 [(strata.options.v1.field) = {sensitivity: INTERNAL, owner: true}];";
        let minor = "int64 minor = 1";
        system(minor, &format!("{state} {minor}"), &[""; 0]);
        let top = "message Price {";
        let user =
            "message User { string id = 1 [(strata.options.v1.field) = {sensitivity: PUBLIC}]; }";
        system(top, &format!("{user} {top}"), &[""; 0]);
        let user = user.replace("PUBLIC", "PUBLIC, owner: true");
        let found = findings(
            "system/price-list",
            &SYSTEM.replace(top, &format!("{user} {top}")),
        );
        let [found] = found.as_slice() else {
            panic!("{found:?}");
        };
        assert!(found.contains("the owner of a `User`, which policies know as something else"));
    }
}
