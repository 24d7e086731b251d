//! An object that belongs to somebody has a name that policies can know it by.

use strata_core::Layer;

use crate::{compile::Contract, finding::Finding, policy};

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
    fn an_object_is_not_called_as_policies_call_others() {
        let owner = "minor = 1 [(strata.options.v1.field) = {sensitivity: INTERNAL, owner: true}];";
        let owned = owner.replace(", owner: true", "");
        system(&owned, owner, &[""; 0]);
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
