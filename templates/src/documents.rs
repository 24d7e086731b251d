//! The OpenAPI documents of the Experience APIs, and where they are committed.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use strata_core::Layer;
use strata_estate::Workspace;

/// The document of one version of an Experience API, as its contract says.
pub(crate) struct Document {
    /// The service.
    pub(crate) service: String,
    /// `v1`.
    pub(crate) version: String,
    /// The committed file.
    pub(crate) file: PathBuf,
    /// What that file should hold.
    pub(crate) text: String,
}

/// How a committed file compares with its document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    /// The same.
    Same,
    /// Another text.
    Differs,
    /// No file.
    Missing,
}

impl Document {
    /// The documents of every Experience API, in the order of the services, oldest version first.
    pub(crate) fn all(workspace: &Workspace) -> Result<Vec<Self>> {
        let services = workspace.services()?.into_iter();
        let documents: Result<Vec<_>> = services
            .filter(|service| service.manifest.layer == Layer::Experience)
            .map(|service| Self::of(workspace, &service.manifest.name))
            .collect();
        Ok(documents?.into_iter().flatten().collect())
    }

    /// Those of one.
    pub(crate) fn of(workspace: &Workspace, service: &str) -> Result<Vec<Self>> {
        let layer = Layer::Experience.as_str();
        let contract = workspace.root().join("proto").join(layer).join(service);
        let documents = strata_codegen::openapi(&contract)?.into_iter();
        let documents = documents.map(|document| Self {
            service: service.to_owned(),
            file: file(workspace, service, &document.version),
            version: document.version,
            text: document.text,
        });
        Ok(documents.collect())
    }

    /// How the committed file compares.
    pub(crate) fn state(&self) -> Result<State> {
        match fs::read_to_string(&self.file) {
            Ok(text) if text == self.text => Ok(State::Same),
            Ok(_) => Ok(State::Differs),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(State::Missing),
            Err(error) => {
                Err(error).with_context(|| format!("{} cannot be read", self.file.display()))
            }
        }
    }
}

/// Where the document of a version of an Experience API is committed.
pub(crate) fn file(workspace: &Workspace, service: &str, version: &str) -> PathBuf {
    folder(workspace).join(name(service, version))
}

/// What that file is called.
pub(crate) fn name(service: &str, version: &str) -> String {
    format!("{service}.{version}.json")
}

/// Where all of them are.
fn folder(workspace: &Workspace) -> PathBuf {
    workspace.root().join("docs").join("openapi")
}

/// Committed files that are no document's.
pub(crate) fn strays(workspace: &Workspace, documents: &[Document]) -> Result<Vec<PathBuf>> {
    let folder = folder(workspace);
    let unreadable = || format!("{} cannot be read", folder.display());
    let entries = match fs::read_dir(&folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.with_context(unreadable)?,
    };
    let known = |file: &Path| documents.iter().any(|document| document.file == file);
    let mut strays = Vec::new();
    for entry in entries {
        let file = entry.with_context(unreadable)?.path();
        if !known(&file) {
            strays.push(file);
        }
    }
    Ok(strays)
}
