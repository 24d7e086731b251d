//! Who may call a method may be given all it may return, and hold what it is sent.

use strata_core::{Clearance, Label};
use strata_estate::{ServiceFolder, Workspace};
use strata_policy::CallersFile;

use super::{Finding, calls};
use crate::scaffold::in_policy;

/// The clearance a callee grants covers the ceiling and the request of every method its caller
/// declares.
pub(super) fn covers_calls(workspace: &Workspace, services: &[ServiceFolder]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for callee in services {
        let manifest = &callee.manifest;
        let contract = workspace.root().join("proto");
        let contract = contract.join(manifest.layer.as_str()).join(&manifest.name);
        // What cannot be read is found where it is read for its own sake.
        let Ok(file) = CallersFile::load(&callee.callers_file(), manifest.layer) else {
            continue;
        };
        let Ok(needed) = strata_codegen::clearances(&contract) else {
            continue;
        };
        for caller in services.iter().map(|service| &service.manifest) {
            let Some(entry) = file.callers.iter().find(|entry| calls::is(entry, caller)) else {
                continue;
            };
            for method in calls::methods(caller, callee) {
                let needed = needed.get(method).copied().unwrap_or_default();
                if !entry.clearance.covers(needed) {
                    let Clearance(clearance) = entry.clearance;
                    findings.push(above(callee, &entry.service, method, clearance, needed));
                }
            }
        }
    }
    findings
}

fn above(
    callee: &ServiceFolder,
    caller: &str,
    method: &str,
    clearance: Label,
    needed: Label,
) -> Finding {
    Finding::new(
        &callee.callers_file(),
        format!(
            "clears {caller} for {}, and {method} takes or returns {}",
            in_policy(clearance),
            in_policy(needed)
        ),
        format!(
            "let its owner grant clearance = {}, or have {method} take and return less",
            in_policy(clearance.join(needed))
        ),
    )
}
