//! Every message is declared by one contract.

use crate::{
    compile::{Contract, Version},
    contracts::Contracts,
    finding::{Finding, place},
};

/// Finds the messages of `contract` that another declares as well. The other is the one its folder
/// makes the owner of the package.
pub(crate) fn check(contract: &Contract, contracts: &Contracts, findings: &mut Vec<Finding>) {
    let own = contract.folder.id();
    for message in contract.versions.iter().flat_map(Version::messages) {
        let mut package = message.package_name().splitn(3, '.');
        let package = [package.next(), package.next()].map(Option::unwrap_or_default);
        let owners = contracts.of_package(&package.join(".")).iter();
        for id in owners.filter(|id| **id != own) {
            let Some(Ok(other)) = contracts.get(id) else {
                continue;
            };
            let Some(same) = other.message(message.full_name()) else {
                continue;
            };
            findings.push(Finding::at(
                &message.parent_file(),
                message.path(),
                &format!("message {}", message.full_name()),
                format!(
                    "is also declared in {}: give {own} and {id} packages of their own",
                    place(&same.parent_file(), same.path())
                ),
            ));
        }
    }
}
