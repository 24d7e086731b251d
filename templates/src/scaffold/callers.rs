//! The entries that let a new service call others, in the callees' callers.toml.

use std::{fs, io::ErrorKind, path::PathBuf};

use anyhow::{Context as _, Result, ensure};
use strata_core::Label;
use strata_estate::{ServiceFolder, Workspace};
use strata_policy::CallersFile;
use toml_edit::{Array, ArrayOfTables, DocumentMut, Item, Table, value};

use super::{
    calling::{Callee, Calling},
    label,
    plan::Plan,
};

/// A callee's callers.toml with the new entry.
pub(super) struct Grant {
    /// Relative to the root.
    pub(super) file: PathBuf,
    pub(super) text: String,
    /// The team that owns the callee.
    pub(super) owner: String,
}

/// What every callee has to grant.
pub(super) fn grants(workspace: &Workspace, plan: &Plan, calling: &Calling) -> Result<Vec<Grant>> {
    let services = workspace.services()?;
    let callees = plan.callees.iter().zip(&calling.clearances);
    callees
        .map(|(callee, label)| {
            let service = services
                .iter()
                .find(|service| {
                    plan.layer.may_call(service.manifest.layer)
                        && service.manifest.name == callee.name
                })
                .with_context(|| format!("{} is gone", callee.name))?;
            grant(workspace, plan, service, callee, *label)
        })
        .collect()
}

fn grant(
    workspace: &Workspace,
    plan: &Plan,
    service: &ServiceFolder,
    callee: &Callee,
    label: Label,
) -> Result<Grant> {
    let path = service.callers_file();
    let known = CallersFile::load(&path, service.manifest.layer)?;
    let file = path.strip_prefix(workspace.root())?.to_owned();
    ensure!(
        !known
            .callers
            .iter()
            .any(|entry| entry.layer == plan.layer && entry.service == plan.name),
        "{} still lets an earlier {}-{} call: take that entry away first",
        file.display(),
        plan.layer,
        plan.name
    );
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
        Err(error) => {
            return Err(error).with_context(|| format!("{} cannot be read", file.display()));
        }
    };
    let text = with_entry(&text, plan, callee, label)
        .with_context(|| format!("{} cannot be changed", file.display()))?;
    Ok(Grant {
        file,
        text,
        owner: service.manifest.owner.clone(),
    })
}

/// `text` with an entry at the end; nothing else in it changes.
fn with_entry(text: &str, plan: &Plan, callee: &Callee, label: Label) -> Result<String> {
    let mut document: DocumentMut = text.parse()?;
    // Without this, comments at the end of the file would slip below the new entry.
    let trailing = document.trailing().as_str().unwrap_or_default().to_owned();
    let prefix = if document.is_empty() {
        trailing
    } else {
        trailing + "\n"
    };
    document.set_trailing("");
    let callers = document
        .entry("callers")
        .or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()))
        .as_array_of_tables_mut()
        .context("write its callers as [[callers]] tables")?;
    let methods: Array = callee
        .methods
        .iter()
        .map(|found| found.method.name())
        .collect();
    let mut entry = Table::new();
    entry.decor_mut().set_prefix(prefix);
    entry.insert("layer", value(plan.layer.as_str()));
    entry.insert("service", value(&plan.name));
    entry.insert("methods", value(methods));
    entry.insert("clearance", value(label::in_policy(label)));
    callers.push(entry);
    Ok(document.to_string())
}
