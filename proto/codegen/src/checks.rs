//! Every rule a contract must keep by itself, one file each. A check reads the contract and says all
//! that it finds; the build shows the findings of all checks at once. What a contract must keep
//! towards others is [`crate::claims`] and [`crate::lineage`].

mod ceilings;
mod kinds;
mod labels;
mod limits;
mod masked;
mod masks;
mod methods;
mod objects;
mod placement;
mod routes;
mod stores;
mod values;
mod versions;

#[cfg(test)]
pub(crate) mod fixture;

use prost_reflect::FieldDescriptor;

use crate::{compile::Contract, finding::Finding};

/// Every finding in `contract`.
pub(crate) fn all(contract: &Contract) -> Vec<Finding> {
    let mut findings = Vec::new();
    for check in [
        placement::check,
        labels::check,
        kinds::check,
        masks::check,
        limits::check,
        values::check,
        masked::check,
        methods::check,
        objects::check,
        ceilings::check,
        routes::check,
        stores::check,
        versions::check,
    ] {
        check(contract, &mut findings);
    }
    findings
}

/// Every field of the contract.
pub(crate) fn fields(contract: &Contract) -> Vec<FieldDescriptor> {
    let messages = contract
        .versions
        .iter()
        .flat_map(crate::compile::Version::messages);
    messages
        .flat_map(|message| message.fields().collect::<Vec<_>>())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::fixture::{SYSTEM, findings};

    #[test]
    fn every_finding_is_shown() {
        let proto = SYSTEM
            .replace("layer: SYSTEM", "layer: PROCESS")
            .replace("scope: \"prices:read\"", "")
            .replace(
                "sku = 1 [(strata.options.v1.field) = {sensitivity: PUBLIC}]",
                "sku = 1",
            );
        assert_eq!(findings("system/price-list", &proto).len(), 3);
    }
}
