//! All that a contract must keep, of one contract and of all.

use std::{
    collections::BTreeSet,
    num::NonZero,
    path::Path,
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
};

use crate::{
    checks, claims, contracts::Contracts, finding::Finding, folder::ContractId, lineage,
    passed::Passed,
};

/// What checking all contracts came to.
#[derive(Debug, Default)]
pub struct Report {
    /// What is wrong, by contract, the lowest layer first.
    pub findings: Vec<Finding>,
    /// The contracts that were checked (`system/customers`). The others passed before, and nothing
    /// they depend on has changed.
    pub checked: Vec<String>,
}

/// What checking one contract came to.
#[derive(Debug, Default)]
pub(crate) struct Checked {
    pub(crate) findings: Vec<Finding>,
    /// The other contracts it depends on.
    pub(crate) sources: BTreeSet<ContractId>,
}

/// Checks one contract.
pub(crate) fn one(contracts: &Contracts, id: &ContractId) -> Checked {
    let mut checked = Checked::default();
    match contracts.get(id) {
        Some(Ok(contract)) => {
            let findings = &mut checked.findings;
            findings.extend(checks::all(contract));
            claims::check(contract, contracts, findings);
            checked.sources = lineage::check(contract, contracts, findings);
        }
        Some(Err(finding)) => checked.findings.push(finding.clone()),
        // The folder is gone since it was found.
        None => {}
    }
    checked
}

/// Checks every contract below `root` that did not pass before as it is now; `memory` is the file
/// that says which did.
pub(crate) fn all(root: &Path, memory: &Path) -> Report {
    let contracts = match Contracts::below(root) {
        Ok(contracts) => contracts,
        Err(finding) => {
            return Report {
                findings: vec![finding],
                checked: Vec::new(),
            };
        }
    };
    let mut passed = Passed::read(memory, &contracts);
    let due: Vec<_> = contracts.ids().filter(|id| !passed.holds(id)).collect();
    let (mut report, mut said) = (Report::default(), BTreeSet::new());
    for (id, checked) in each(&contracts, &due) {
        report.checked.push(id.to_string());
        if checked.findings.is_empty() {
            passed.add(id, &checked.sources);
        } else {
            passed.remove(id);
        }
        for finding in checked.findings {
            // What is wrong with a file that several contracts read is said once.
            if said.insert(finding.to_string()) {
                report.findings.push(finding);
            }
        }
    }
    // What cannot be remembered is checked again.
    let _ = passed.write(memory);
    report
}

/// Checks those, as many at a time as there are processors; in their order.
fn each<'a>(contracts: &Contracts, due: &[&'a ContractId]) -> Vec<(&'a ContractId, Checked)> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let (next, (send, receive)) = (AtomicUsize::new(0), mpsc::channel());
    thread::scope(|scope| {
        for _ in 0..threads.min(due.len()) {
            let (send, next) = (send.clone(), &next);
            scope.spawn(move || {
                while let Some(id) = due.get(next.fetch_add(1, Ordering::Relaxed)) {
                    // The receiver outlives every thread.
                    let _ = send.send((*id, one(contracts, id)));
                }
            });
        }
    });
    drop(send);
    let mut checked: Vec<_> = receive.into_iter().collect();
    checked.sort_by_key(|(id, _)| *id);
    checked
}
