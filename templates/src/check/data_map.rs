//! The committed data map is the one that contracts and policies make.

use anyhow::Result;
use strata_estate::Workspace;

use super::Finding;
use crate::data_map::{DataMap, files};

pub(super) fn committed(workspace: &Workspace) -> Result<Vec<Finding>> {
    let map = match DataMap::read(workspace) {
        Ok(map) => map,
        Err(error) => {
            let [file, _] = files(workspace);
            let problem = format!("cannot be made: {error:#}");
            let remedy = "correct what it names".to_owned();
            return Ok(vec![Finding::new(&file, problem, remedy)]);
        }
    };
    let mut findings = Vec::new();
    for paper in map.papers(workspace)? {
        if let Some(problem) = paper.problem()? {
            let remedy = "review the change, then run `cargo strata data-map --write`";
            findings.push(Finding::new(
                &paper.file,
                problem.to_owned(),
                remedy.to_owned(),
            ));
        }
    }
    Ok(findings)
}
