//! What another program needs to talk to a running estate, and the file it is told in.

use std::{
    fs,
    io::Write as _,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use strata_config::Environment;
use strata_core::Layer;

use crate::workspace::Workspace;

/// The store of a System API, in the folder a run makes for it.
pub(crate) const STORE: &str = "data.db";
/// The audit trail of a service, in that folder.
pub(crate) const AUDIT: &str = "audit";
/// What vouches for it.
pub(crate) const CHECKPOINTS: &str = "checkpoints";

/// A running estate, as `up --format json` prints it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// The environment.
    pub environment: Environment,
    /// Every service, in the order of starting.
    pub services: Vec<ServiceSummary>,
    /// Every Experience API.
    pub edges: Vec<EdgeSummary>,
    /// The issuer's identifier.
    pub issuer: String,
    /// Where a token is got.
    pub token_endpoint: String,
    /// A token that is valid now.
    pub token: String,
}

/// One running service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceSummary {
    /// Its layer.
    pub layer: Layer,
    /// Its name.
    pub name: String,
    /// Its SPIFFE ID.
    pub id: String,
    /// Where it listens: mTLS gRPC, or HTTPS for an Experience API.
    pub address: SocketAddr,
    /// Health, readiness and metrics over plain HTTP.
    pub admin: SocketAddr,
    /// The folder of its certificates and keys.
    pub material: PathBuf,
    /// Its log.
    pub log: PathBuf,
    /// Its process, while it runs.
    pub pid: Option<u32>,
}

/// One HTTPS edge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EdgeSummary {
    /// The Experience API.
    pub service: String,
    /// Base URL without a slash at the end.
    pub url: String,
    /// PEM file of the root to verify it with.
    pub ca: PathBuf,
}

impl ServiceSummary {
    /// The file of its store, of a System API.
    #[must_use]
    pub fn store(&self) -> Option<PathBuf> {
        (self.layer == Layer::System).then(|| self.log.with_file_name(STORE))
    }

    /// The folder of its audit trail.
    #[must_use]
    pub fn audit(&self) -> PathBuf {
        self.log.with_file_name(AUDIT)
    }

    /// The folder of the checkpoints of its audit trail.
    #[must_use]
    pub fn checkpoints(&self) -> PathBuf {
        self.log.with_file_name(CHECKPOINTS)
    }
}

impl Summary {
    /// Tells other programs of this estate. The file holds a token, so it is the owner's alone.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn publish(&self, workspace: &Workspace) -> Result<()> {
        let file = Self::file(workspace, self.environment);
        let attempt = || -> std::io::Result<()> {
            let folder = file.parent().unwrap_or(Path::new("."));
            fs::create_dir_all(folder)?;
            let mut draft = tempfile::NamedTempFile::new_in(folder)?;
            serde_json::to_writer_pretty(&mut draft, self)?;
            draft.write_all(b"\n")?;
            draft.persist(&file)?;
            Ok(())
        };
        attempt().with_context(|| format!("{} cannot be written", file.display()))
    }

    /// Reads what the running estate has published.
    ///
    /// # Errors
    /// When none is running.
    pub fn read(workspace: &Workspace, environment: Environment) -> Result<Self> {
        let file = Self::file(workspace, environment);
        let text =
            fs::read(&file).context("no estate is running: start one with `cargo strata up`")?;
        serde_json::from_slice(&text).with_context(|| {
            format!(
                "{} is of another version: restart the estate",
                file.display()
            )
        })
    }

    /// Takes the publication back, unless another estate has replaced it since.
    pub fn withdraw(&self, workspace: &Workspace) {
        if Self::read(workspace, self.environment).is_ok_and(|published| published == *self) {
            let _gone = fs::remove_file(Self::file(workspace, self.environment));
        }
    }

    fn file(workspace: &Workspace, environment: Environment) -> PathBuf {
        workspace.state(environment).join("estate.json")
    }
}
