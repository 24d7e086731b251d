//! The committed data map and catalogue are those that contracts and policies make, and the paper of the
//! security events is what services tell.

use std::path::PathBuf;

use anyhow::Result;
use strata_estate::{Workspace, paper::Paper};

use super::Finding;
use crate::{
    catalogue::{self, Catalogue},
    data_map::{self, DataMap},
    events::Events,
};

pub(super) fn committed(workspace: &Workspace) -> Result<Vec<Finding>> {
    let map = DataMap::read(workspace).and_then(|map| map.papers(workspace));
    let catalogue = Catalogue::read(workspace).and_then(|catalogue| catalogue.papers(workspace));
    let events = drift("events", [Events::known().paper(workspace)?])?;
    let mut findings = compared("data-map", data_map::files(workspace), map)?;
    findings.extend(compared(
        "catalogue",
        catalogue::files(workspace),
        catalogue,
    )?);
    findings.extend(events);
    Ok(findings)
}

fn compared(
    command: &str,
    [first, _]: [PathBuf; 2],
    made: Result<[Paper; 2]>,
) -> Result<Vec<Finding>> {
    match made {
        Ok(papers) => drift(command, papers),
        Err(error) => {
            let problem = format!("cannot be made: {error:#}");
            let remedy = "correct what it names".to_owned();
            Ok(vec![Finding::new(&first, problem, remedy)])
        }
    }
}

fn drift(command: &str, papers: impl IntoIterator<Item = Paper>) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for paper in papers {
        if let Some(problem) = paper.problem()? {
            let remedy = format!("review the change, then run `cargo strata {command} --write`");
            findings.push(Finding::new(&paper.file, problem.to_owned(), remedy));
        }
    }
    Ok(findings)
}
