//! Everything about the estate that can be wrong without being a compile error.

mod calls;
mod clearance;
mod config;
mod contracts;
mod documents;
mod exemptions;
mod graph;
mod papers;
mod pentest;
mod policies;

use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::Serialize;
use strata_config::{Environment, Problem};
use strata_estate::{Graph, Workspace};

/// One thing that is wrong.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Finding {
    /// Where, relative to the root; with a line where it is known.
    pub(crate) file: PathBuf,
    /// What.
    pub(crate) problem: String,
    /// What to do.
    pub(crate) remedy: String,
}

impl Finding {
    fn new(file: &Path, problem: String, remedy: String) -> Self {
        Self {
            file: file.to_owned(),
            problem,
            remedy,
        }
    }

    /// Of a problem that begins with its place.
    fn at(problem: &Problem, remedy: String) -> Self {
        let problem = problem.to_string();
        let (place, what) = problem.split_once(": ").unwrap_or(("", &problem));
        Self::new(place.as_ref(), what.to_owned(), remedy)
    }
}

/// Every finding, by file, each once.
pub(crate) fn findings(
    workspace: &Workspace,
    environments: &[Environment],
) -> Result<Vec<Finding>> {
    let services = workspace.services()?;
    let graph = Graph::read(workspace)?;
    let mut findings = graph::committed(workspace, &graph)?;
    let contracts = contracts::rules(workspace);
    if contracts.is_empty() {
        // Of a contract that breaks a rule neither a document nor a paper can be made.
        findings.extend(documents::committed(workspace)?);
        findings.extend(papers::committed(workspace)?);
    }
    findings.extend(pentest::holds(
        workspace,
        &services,
        environments,
        contracts.is_empty(),
    )?);
    findings.extend(contracts);
    findings.extend(calls::layers(&services, &graph));
    findings.extend(calls::declared(&services, &graph));
    findings.extend(calls::granted(&services));
    findings.extend(exemptions::last(&services));
    findings.extend(clearance::covers_calls(workspace, &services));
    findings.extend(config::loads(&services, environments));
    findings.extend(policies::hold(workspace, &services));
    for finding in &mut findings {
        if let Ok(file) = finding.file.strip_prefix(workspace.root()) {
            finding.file = file.to_owned();
        }
    }
    findings.sort();
    findings.dedup();
    Ok(findings)
}
