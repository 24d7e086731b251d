//! What a contract says of its stores: only a System API has any, and of each it says one thing.

use std::collections::BTreeMap;

use strata_core::Layer;

use crate::{
    compile::{Contract, Version},
    finding::Finding,
};

pub(super) fn check(contract: &Contract, findings: &mut Vec<Finding>) {
    let mut retained = BTreeMap::new();
    for message in contract.versions.iter().flat_map(Version::messages) {
        let annotations = contract.options.message(&message);
        let table = annotations.stored_in;
        if table.is_empty() {
            continue;
        }
        let mut find = |problem: String| {
            let subject = format!("message {}", message.name());
            let file = message.parent_file();
            findings.push(Finding::at(&file, message.path(), &subject, problem));
        };
        if contract.folder.layer != Layer::System {
            find(format!(
                "is stored in {table}, and only a System API has stores: leave stored_in out"
            ));
        }
        if annotations.retention.is_empty() {
            continue;
        }
        let known = retained
            .entry(table.clone())
            .or_insert_with(|| (message.name().to_owned(), annotations.retention.clone()));
        let (other, retention) = known;
        if *retention != annotations.retention {
            find(format!(
                "is kept for {} in {table}, and message {other} for {retention}: state one retention",
                annotations.retention
            ));
        }
    }
}
