//! The committed graph is the one the manifests declare.

use std::{fs, io::ErrorKind};

use anyhow::{Context as _, Result};
use strata_estate::{Graph, Workspace};

use super::Finding;

pub(super) fn committed(workspace: &Workspace, graph: &Graph) -> Result<Vec<Finding>> {
    let file = Graph::file(workspace);
    let problem = match fs::read_to_string(&file) {
        Ok(text) if text == graph.to_json()? => return Ok(Vec::new()),
        Ok(_) => "differs from what the manifests declare",
        Err(error) if error.kind() == ErrorKind::NotFound => "is missing",
        Err(error) => {
            return Err(error).with_context(|| format!("{} cannot be read", file.display()));
        }
    };
    let remedy = "review the change, then run `cargo strata graph --write`";
    Ok(vec![Finding::new(
        &file,
        problem.to_owned(),
        remedy.to_owned(),
    )])
}
