//! The policies of every service can be used, permit nobody everything and are reviewed.

use strata_estate::{ServiceFolder, Workspace};

use super::Finding;

pub(super) fn hold(workspace: &Workspace, services: &[ServiceFolder]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for service in services {
        let manifest = &service.manifest;
        let contract = workspace.root().join("proto");
        let contract = contract.join(manifest.layer.as_str()).join(&manifest.name);
        // A contract that cannot be read is found where it is read for its own sake.
        let Ok(Some(schema)) = strata_codegen::policy_schema(&contract) else {
            continue;
        };
        let folder = service.folder.join("policy");
        let found = strata_guard::check(&folder, &schema, &manifest.name);
        findings.extend(found.into_iter().map(|finding| {
            let mut place = finding.file.display().to_string();
            if let Some(line) = finding.line {
                place = format!("{place}:{line}");
            }
            Finding::new(place.as_ref(), finding.problem, finding.remedy.to_owned())
        }));
    }
    findings
}
