//! Adds a service to the estate: checks what is asked, renders the templates of `templates/service`,
//! and puts everything in place at once or not at all.

mod callers;
mod calling;
mod contract;
mod label;
mod limits;
mod mirror;
mod names;
mod place;
mod plan;
mod render;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use serde::Serialize;
use strata_estate::Workspace;

use self::{calling::Calling, plan::Plan};

pub(crate) use self::{label::in_policy, plan::Asked};

/// A file that was written.
#[derive(Debug, Serialize)]
pub(crate) struct Change {
    /// Where, relative to the root.
    pub(crate) file: PathBuf,
    /// Whether it was there before.
    pub(crate) existed: bool,
    /// The team that has to agree, where the file is somebody else's.
    pub(crate) review: Option<String>,
}

/// Adds the service that is asked for; says what was written.
pub(crate) fn create(workspace: &Workspace, asked: &Asked<'_>) -> Result<Vec<Change>> {
    let plan = Plan::of(workspace, asked)?;
    let calling = Calling::new(plan.layer, &plan.name, &plan.callees);
    let grants = callers::grants(workspace, &plan, &calling)?;
    let state = workspace.root().join(".strata").join("state");
    let staging = std::fs::create_dir_all(&state)
        .and_then(|()| tempfile::tempdir_in(&state))
        .with_context(|| format!("{} cannot be written", state.display()))?;
    let files = render::stage(&plan, &calling, staging.path(), workspace.root())?;
    let derived = place::derived(workspace, &plan)?;
    let granted = grants
        .iter()
        .map(|grant| (grant.file.clone(), Some(grant.owner.clone())));
    let changes = files
        .into_iter()
        .chain(derived)
        .map(|file| (file, None))
        .chain(granted)
        .map(|(file, review)| Change {
            existed: workspace.root().join(&file).exists(),
            file,
            review,
        })
        .collect();
    place::place(workspace, &plan, staging.path(), &grants)?;
    Ok(changes)
}
