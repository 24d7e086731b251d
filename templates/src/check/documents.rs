//! The committed OpenAPI documents are those the contracts say.

use anyhow::Result;
use strata_estate::Workspace;

use super::Finding;
use crate::documents::{Document, State, strays};

pub(super) fn committed(workspace: &Workspace) -> Result<Vec<Finding>> {
    let documents = Document::all(workspace)?;
    let mut findings = Vec::new();
    for document in &documents {
        let problem = match document.state()? {
            State::Same => continue,
            State::Differs => "differs from what the contract says",
            State::Missing => "is missing",
        };
        let remedy = "review the change, then run `cargo strata openapi --write`";
        findings.push(Finding::new(
            &document.file,
            problem.to_owned(),
            remedy.to_owned(),
        ));
    }
    findings.extend(strays(workspace, &documents)?.iter().map(|file| {
        let problem = "is the document of no version of an Experience API";
        Finding::new(file, problem.to_owned(), "remove it".to_owned())
    }));
    Ok(findings)
}
