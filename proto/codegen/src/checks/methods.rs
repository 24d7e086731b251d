//! Every method says whom it acts for and the most it may return.

use prost_reflect::MethodDescriptor;

use crate::{
    audit,
    compile::Contract,
    finding::Finding,
    options::{Audit, Category, Sensitivity},
};

pub(super) fn check(contract: &Contract, findings: &mut Vec<Finding>) {
    let services = contract
        .versions
        .iter()
        .flat_map(|version| version.services());
    for service in services {
        for method in service.methods() {
            check_method(contract, &method, findings);
        }
    }
}

fn check_method(contract: &Contract, method: &MethodDescriptor, findings: &mut Vec<Finding>) {
    let subject = format!("method {}", method.name());
    let mut find = |problem: String| {
        findings.push(Finding::at(
            &method.parent_file(),
            method.path(),
            &subject,
            problem,
        ));
    };
    let annotations = contract.options.method(method);
    if annotations.scope.is_none() {
        find(
            "states no scope: write scope: \"<what>:<action>\" in (strata.options.v1.method), or \
             \"\" when it acts for no user"
                .to_owned(),
        );
    }
    match &annotations.ceiling {
        Some(ceiling) if ceiling.sensitivity() == Sensitivity::Unspecified => {
            find("has a ceiling without a sensitivity: state one".to_owned());
        }
        Some(ceiling) if ceiling.categories().any(|c| c == Category::Unspecified) => {
            find("has ceiling category CATEGORY_UNSPECIFIED: name a category or none".to_owned());
        }
        Some(_) => {}
        None => find(
            "has no ceiling: write ceiling: {sensitivity: INTERNAL} in (strata.options.v1.method) \
             with the most sensitive label it may return"
                .to_owned(),
        ),
    }
    if annotations.audit() == Audit::Buffered && audit::is_write(contract, method) {
        find(
            "is audited when it may have been answered already, and changes something: write audit: \
             DURABLE, or idempotent: true when it only reads"
                .to_owned(),
        );
    }
    let resource = &annotations.resource;
    if !resource.is_empty() && method.input().get_field_by_name(resource).is_none() {
        find(format!(
            "has resource `{resource}`, which {} does not have: name one of its fields",
            method.input().name()
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::system;

    #[test]
    fn a_method_states_scope_and_ceiling() {
        system(
            "scope: \"prices:read\"",
            "",
            &[
                "system/price-list/v1/contract.proto:7: method GetPrice states no scope: write scope: \
               \"<what>:<action>\" in (strata.options.v1.method), or \"\" when it acts for no user",
            ],
        );
        system("scope: \"prices:read\"", "scope: \"\"", &[""; 0]);
        system(
            "ceiling: {sensitivity: INTERNAL, categories: [PERSONAL]}",
            "",
            &[
                "system/price-list/v1/contract.proto:7: method GetPrice has no ceiling: write ceiling: \
               {sensitivity: INTERNAL} in (strata.options.v1.method) with the most sensitive label it \
               may return",
            ],
        );
        system(
            "ceiling: {sensitivity: INTERNAL, categories: [PERSONAL]}",
            "ceiling: {categories: [PERSONAL]}",
            &[
                "system/price-list/v1/contract.proto:7: method GetPrice has a ceiling without a \
               sensitivity: state one",
            ],
        );
        let buffered = "resource: \"sku\" audit: BUFFERED";
        system(
            "resource: \"sku\"",
            buffered,
            &[
                "system/price-list/v1/contract.proto:7: method GetPrice is audited when it may have been \
               answered already, and changes something: write audit: DURABLE, or idempotent: true when \
               it only reads",
            ],
        );
        let reads = format!("{buffered} idempotent: true");
        system("resource: \"sku\"", &reads, &[""; 0]);
        system(
            "resource: \"sku\"",
            "resource: \"sku\" audit: DURABLE",
            &[""; 0],
        );
        system(
            "resource: \"sku\"",
            "resource: \"article\"",
            &[
                "system/price-list/v1/contract.proto:7: method GetPrice has resource `article`, which \
               GetPriceRequest does not have: name one of its fields",
            ],
        );
    }
}
