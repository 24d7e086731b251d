//! The declared call graph: which service is compiled against which contract. Cargo's dependencies
//! are the declaration; `service.toml` names the methods.

use std::{collections::BTreeSet, path::PathBuf};

use anyhow::{Context as _, Result};
use cargo_metadata::{DependencyKind, MetadataCommand, Package};
use serde::{Deserialize, Serialize};
use strata_config::Expires;
use strata_core::Layer;

use crate::workspace::{ServiceFolder, Workspace};

/// The declared call graph.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Graph {
    /// Every service.
    pub services: Vec<Node>,
    /// Who may call whom.
    pub calls: Vec<Call>,
}

/// A service.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Node {
    /// Its layer.
    pub layer: Layer,
    /// Its name.
    pub name: String,
    /// The team that owns it.
    pub owner: String,
}

/// A service that is compiled against another's contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// The caller.
    pub caller: Endpoint,
    /// Whose contract it depends on.
    pub callee: Endpoint,
    /// The methods its `service.toml` names; none when it does not name the callee at all.
    pub methods: Vec<String>,
    /// The last day of the exemption that lets the call through; none where the rule of the layers does,
    /// or nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exempt_until: Option<Expires>,
}

/// One end of a call.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Endpoint {
    /// Its layer.
    pub layer: Layer,
    /// Its name.
    pub name: String,
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.layer, self.name)
    }
}

impl Graph {
    /// Reads the graph from the manifests of a workspace.
    ///
    /// # Errors
    /// When a manifest cannot be read.
    pub fn read(workspace: &Workspace) -> Result<Self> {
        let metadata = MetadataCommand::new()
            .manifest_path(workspace.root().join("Cargo.toml"))
            .no_deps()
            .exec()
            .context("cargo cannot read the workspace")?;
        let folders = workspace.services()?;
        let mut calls = Vec::new();
        for folder in &folders {
            let package = metadata
                .packages
                .iter()
                .find(|package| package.name.as_str() == folder.binary)
                .with_context(|| {
                    let file = folder.folder.join("Cargo.toml");
                    format!("{} must name its package {}", file.display(), folder.binary)
                })?;
            calls.extend(calls_of(folder, package));
        }
        let services = folders.into_iter().map(|folder| Node {
            layer: folder.manifest.layer,
            name: folder.manifest.name,
            owner: folder.manifest.owner,
        });
        Ok(Self {
            services: services.collect(),
            calls,
        })
    }

    /// Where the committed graph is.
    #[must_use]
    pub fn file(workspace: &Workspace) -> PathBuf {
        workspace.root().join("docs").join("graph.json")
    }

    /// The committed form.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn to_json(&self) -> Result<String> {
        let json = serde_json::to_string_pretty(self).context("the graph is no JSON")?;
        Ok(json + "\n")
    }
}

fn calls_of(folder: &ServiceFolder, package: &Package) -> Vec<Call> {
    let manifest = &folder.manifest;
    let caller = Endpoint {
        layer: manifest.layer,
        name: manifest.name.clone(),
    };
    let callees: BTreeSet<Endpoint> = package
        .dependencies
        .iter()
        .filter(|dependency| dependency.kind == DependencyKind::Normal)
        .filter_map(|dependency| contract(&dependency.name))
        .filter(|callee| *callee != caller)
        .collect();
    let call = |callee: Endpoint| {
        let declared = manifest.edge(callee.layer, &callee.name);
        let methods = declared.as_ref().map(|edge| edge.methods.to_vec());
        let exemption = declared.and_then(|edge| edge.exemption);
        Call {
            caller: caller.clone(),
            callee,
            methods: methods.unwrap_or_default(),
            exempt_until: exemption.map(|exemption| exemption.expires),
        }
    };
    callees.into_iter().map(call).collect()
}

/// The service whose contract a package is: `proto-<layer>-<name>`.
fn contract(package: &str) -> Option<Endpoint> {
    let (layer, name) = package.strip_prefix("proto-")?.split_once('-')?;
    Some(Endpoint {
        layer: layer.parse().ok()?,
        name: name.to_owned(),
    })
}
