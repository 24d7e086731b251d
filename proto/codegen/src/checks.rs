//! Every rule a contract must keep, one file each. A check reads the contract and says all that it
//! finds; the build shows the findings of all checks at once.

mod labels;
mod limits;
mod masked;
mod methods;
mod placement;
mod routes;
mod values;

#[cfg(test)]
pub(crate) mod fixture;

use crate::{compile::Contract, finding::Finding};

/// Every finding in `contract`.
pub(crate) fn all(contract: &Contract) -> Vec<Finding> {
    let mut findings = Vec::new();
    for check in [
        placement::check,
        labels::check,
        limits::check,
        values::check,
        masked::check,
        methods::check,
        routes::check,
    ] {
        check(contract, &mut findings);
    }
    findings
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
