//! The contracts of all layers keep their rules, by themselves and towards each other.

use strata_estate::Workspace;

use super::Finding;

/// Which contracts passed as they are, so that these are not checked again.
const MEMORY: &str = "target/strata/checked.json";

pub(super) fn rules(workspace: &Workspace) -> Vec<Finding> {
    let proto = workspace.root().join("proto");
    let report = strata_codegen::check(&proto, &workspace.root().join(MEMORY));
    let findings = report.findings.iter();
    findings
        .map(|finding| {
            Finding::new(
                &proto.join(finding.place()),
                finding.problem(),
                finding.remedy().to_owned(),
            )
        })
        .collect()
}
