//! A service's material folder: its SVID and key, the bundles it trusts and what their CAs took
//! back, at the edge its public certificate. Loaded and checked as one before a port is bound, and
//! taken over as one when it changes.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use rustls::{ClientConfig, ServerConfig};
use strata_core::{Layer, SpiffeId};

use crate::{
    audit::{AuditSigner, Auditors},
    config::{self, Clients},
    error::MaterialError,
    folder::Folder,
    live::Live,
    parts::MaterialPart,
    peers::Peers,
    snapshot::Snapshot,
    tokens::{TokenIssuers, TokenSigner},
    trust::Trust,
    verify::Role,
};

/// What a service proves who it is with, and verifies its peers by.
pub struct Material {
    dir: PathBuf,
    trust: Trust,
    live: Arc<Live>,
    server: Arc<ServerConfig>,
    edge: Option<Arc<ServerConfig>>,
    clients: Clients,
}

/// What came of looking into the folder again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reload {
    /// It says what it said before.
    Unchanged,
    /// It says something else, which is in force now.
    Replaced,
}

impl Material {
    /// Loads `svid.pem`, `svid.key`, `audit.pem`, `audit.key`, `bundles/audit.pem`, `bundles/<layer>.pem` and where there are any
    /// `crls/<layer>.pem` from the folder; for an Experience API `edge.pem`, `edge.key`, `token.pem`
    /// and `token.key`, and for the others `bundles/tokens.pem`.
    ///
    /// # Errors
    /// [`MaterialError`] naming the file when one is missing, open to others, not for this service,
    /// not valid now, or there is a bundle this service must not trust.
    pub fn load(dir: &Path, trust: Trust) -> Result<Self, MaterialError> {
        let live = Arc::new(Live::new(Snapshot::read(dir, &trust)?));
        let edge = match trust.own.layer() {
            Layer::Experience => Some(Arc::new(config::edge(live.clone(), false)?)),
            Layer::Process | Layer::System => None,
        };
        Ok(Self {
            dir: dir.to_owned(),
            trust,
            server: Arc::new(config::server(&live)?),
            edge,
            clients: Clients::new(live.clone())?,
            live,
        })
    }

    /// Looks into the folder again. Material that is broken or half written changes nothing: the
    /// last good one stays in force.
    ///
    /// # Errors
    /// [`MaterialError`] as for [`Self::load`], and when a revocation list in force is gone.
    pub fn reload(&self) -> Result<Reload, MaterialError> {
        let snapshot = Snapshot::read(&self.dir, &self.trust)?;
        snapshot.keeps_lists(&self.live.get(), &self.dir, &self.trust)?;
        Ok(if self.live.replace(snapshot) {
            Reload::Replaced
        } else {
            Reload::Unchanged
        })
    }

    /// Reloads whenever the folder changes, for ever, and tells of each time.
    pub async fn watch(
        self: Arc<Self>,
        mut outcome: impl FnMut(Result<Reload, MaterialError>) + Send,
    ) {
        let mut folder = Folder::watch(&self.dir);
        loop {
            let material = self.clone();
            // The folder may be on a file system that keeps one waiting.
            if let Ok(reload) = tokio::task::spawn_blocking(move || material.reload()).await {
                outcome(reload);
            }
            folder.changed().await;
        }
    }

    /// When the first of the service's own certificates ends.
    #[must_use]
    pub fn expires(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(self.live.get().not_after.as_secs())
    }

    /// What the material in force is made of.
    #[must_use]
    pub fn parts(&self) -> Vec<MaterialPart> {
        self.live.get().parts()
    }

    /// Who the service is.
    #[must_use]
    pub const fn id(&self) -> &SpiffeId {
        &self.trust.own
    }

    /// Whom it trusts.
    #[must_use]
    pub const fn trust(&self) -> &Trust {
        &self.trust
    }

    /// For the port other services call: mutual TLS, HTTP/2 only.
    #[must_use]
    pub fn server_config(&self) -> Arc<ServerConfig> {
        self.server.clone()
    }

    /// Those who come to that port.
    #[must_use]
    pub fn callers(&self) -> Peers {
        Peers::new(self.live.clone(), Role::Caller)
    }

    /// For calls to `callee`: mutual TLS with exactly that service, HTTP/2 only.
    #[must_use]
    pub fn client_config(&self, callee: &SpiffeId) -> Arc<ClientConfig> {
        Arc::new(self.clients.pinned(callee.clone()))
    }

    /// Those it calls.
    #[must_use]
    pub fn callees(&self) -> Peers {
        Peers::new(self.live.clone(), Role::Callee)
    }

    /// Signs transaction tokens; without a key when the service is no Experience API.
    #[must_use]
    pub fn token_signer(&self) -> TokenSigner {
        TokenSigner::new(self.live.clone())
    }

    /// Those whose transaction tokens it believes: nobody's when it is an Experience API.
    #[must_use]
    pub fn token_issuers(&self) -> TokenIssuers {
        TokenIssuers::new(self.live.clone())
    }

    /// Signs checkpoints of the service's audit trail.
    #[must_use]
    pub fn audit_signer(&self) -> AuditSigner {
        AuditSigner::new(self.live.clone())
    }

    /// Those whose audit trails it believes.
    #[must_use]
    pub fn auditors(&self) -> Auditors {
        Auditors::of(self.live.clone())
    }

    /// For the port users call: HTTPS, HTTP/2 and HTTP/1.1.
    ///
    /// # Errors
    /// [`MaterialError::NoEdge`] when the service is no Experience API.
    pub fn edge_config(&self) -> Result<Arc<ServerConfig>, MaterialError> {
        self.edge
            .clone()
            .ok_or(MaterialError::NoEdge(self.trust.own.layer()))
    }

    /// The same, asking clients for a certificate. None need present one; whose is presented is proven to
    /// hold its key, and is trusted with nothing.
    ///
    /// # Errors
    /// As for [`Self::edge_config`].
    pub fn asking_edge_config(&self) -> Result<Arc<ServerConfig>, MaterialError> {
        self.edge_config()?;
        Ok(Arc::new(config::edge(self.live.clone(), true)?))
    }
}

#[cfg(test)]
mod reloading;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
