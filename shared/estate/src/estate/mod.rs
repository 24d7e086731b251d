//! The running estate: throw-away certificates, stores and processes, started bottom-up.

mod start;
#[cfg(test)]
mod tests;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use futures_util::future::{FutureExt as _, select_all};
use http::{Request, StatusCode};
use strata_config::Environment;
use strata_core::{Layer, SpiffeId};
use tempfile::TempDir;
use tokio::time::timeout;

use self::start::{ANY, audience};
use crate::{
    client,
    compile::Binaries,
    issuer::{Issuer, TokenRequest},
    pki::Pki,
    process::{Launch, Process},
    summary::{EdgeSummary, ServiceSummary, Summary},
    workspace::Workspace,
};

/// How long a service may take to say whether it is ready.
const PROBE: Duration = Duration::from_secs(2);

/// What to start, and how.
pub struct Options<'a> {
    /// Where the services are described.
    pub workspace: &'a Workspace,
    /// What to run.
    pub binaries: &'a Binaries,
    /// Must be dev: throw-away authorities and an issuer over plain HTTP are refused elsewhere.
    pub environment: Environment,
    /// Further variables of every service, such as `STRATA_LIMITS__REQUESTS`; what the estate sets
    /// itself stands above them.
    pub settings: &'a [(String, String)],
    /// Port of the first Experience API; another is taken when it is in use.
    pub edge_port: Option<u16>,
    /// Told of every step.
    pub progress: &'a mut (dyn FnMut(StartProgress<'_>) + Send),
}

/// One step of a start.
#[derive(Clone, Copy, Debug)]
pub enum StartProgress<'a> {
    /// The service's store is being filled.
    Seeding(&'a str),
    /// The service is starting.
    Starting(&'a str),
    /// The service answers.
    Ready(&'a str),
    /// The wanted port is in use: another is taken.
    PortTaken(u16),
}

/// One running service.
pub struct Running {
    /// Its layer.
    pub layer: Layer,
    /// Its name.
    pub name: String,
    /// Its identity.
    pub id: SpiffeId,
    /// Where it listens.
    pub address: SocketAddr,
    /// Health, readiness and metrics.
    pub admin: SocketAddr,
    /// Its certificates and keys.
    pub material: PathBuf,
    /// Its folder in the repository.
    pub folder: PathBuf,
    /// Its log.
    pub log: PathBuf,
    launch: Launch,
    process: Process,
}

impl Running {
    /// Its process id, while it runs.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.process.pid()
    }
}

/// An estate on loopback. Its temporary folder goes with it.
pub struct Estate {
    environment: Environment,
    services: Vec<Running>,
    issuer: Issuer,
    pki: Pki,
    folder: TempDir,
}

impl Estate {
    /// Whether an estate may run on loopback in `environment`: ask before building one.
    ///
    /// # Errors
    /// For every environment but dev.
    pub fn check_environment(environment: Environment) -> Result<()> {
        ensure!(
            environment == Environment::Dev,
            "an estate on loopback runs in dev only: {environment} refuses throw-away authorities \
             and an issuer over plain http; deploy there instead"
        );
        Ok(())
    }

    /// Starts every service, callees first.
    ///
    /// # Errors
    /// When one cannot be started, ends, or is not ready in time: the error says which and why, and
    /// everything already started is stopped and removed.
    pub async fn start(options: Options<'_>) -> Result<Self> {
        let environment = options.environment;
        Self::check_environment(environment)?;
        let services = options.workspace.services()?;
        let folder = tempfile::Builder::new()
            .prefix("strata-")
            .tempdir()
            .context("no temporary folder can be made")?;
        let pki = Pki::init(&folder.path().join("pki"), environment)?;
        let audiences = services
            .iter()
            .filter_map(|s| audience(&s.manifest, environment))
            .collect();
        let issuer = Issuer::start(ANY, audiences).await?;
        let mut estate = Self {
            environment,
            services: Vec::new(),
            issuer,
            pki,
            folder,
        };
        match estate.start_all(&services, options).await {
            Ok(()) => Ok(estate),
            Err(error) => {
                estate.stop().await;
                Err(error)
            }
        }
    }

    /// Every service, callees before callers.
    #[must_use]
    pub fn services(&self) -> &[Running] {
        &self.services
    }

    /// One service, by its name, or as `<layer>/<name>` where two layers have one of that name.
    ///
    /// # Errors
    /// When the estate has none of that name, or more than one.
    pub fn service(&self, name: &str) -> Result<&Running> {
        let position = self.position(name)?;
        self.services
            .get(position)
            .with_context(|| format!("no service is called {name}"))
    }

    /// Base URL of an Experience API, without a slash at the end. Verify it with
    /// [`Estate::edge_ca`].
    ///
    /// # Errors
    /// When the estate has no Experience API of that name.
    pub fn edge_url(&self, name: &str) -> Result<String> {
        let service = self.service(name)?;
        ensure!(
            service.layer == Layer::Experience,
            "{name} has no public edge: only Experience APIs do"
        );
        Ok(edge_url(service))
    }

    /// The root that vouches for the edges.
    #[must_use]
    pub fn edge_ca(&self) -> PathBuf {
        self.pki.edge_ca()
    }

    /// The authorities and material of this run.
    #[must_use]
    pub const fn pki(&self) -> &Pki {
        &self.pki
    }

    /// The dev issuer.
    #[must_use]
    pub const fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// The folder that holds everything of this run.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What another program needs to talk to this estate, with a token made for `token`.
    ///
    /// # Errors
    /// When the token cannot be signed.
    pub fn summary(&self, token: &TokenRequest) -> Result<Summary> {
        let services = self.services.iter().map(|service| ServiceSummary {
            layer: service.layer,
            name: service.name.clone(),
            id: service.id.to_string(),
            address: service.address,
            admin: service.admin,
            material: service.material.clone(),
            log: service.log.clone(),
            pid: service.pid(),
        });
        let edges = self
            .services
            .iter()
            .filter(|service| service.layer == Layer::Experience);
        let edges = edges.map(|service| EdgeSummary {
            service: service.name.clone(),
            url: edge_url(service),
            ca: self.edge_ca(),
        });
        Ok(Summary {
            environment: self.environment,
            services: services.collect(),
            edges: edges.collect(),
            issuer: self.issuer.url().to_owned(),
            token_endpoint: self.issuer.token_endpoint(),
            token: self.issuer.token(token)?,
        })
    }

    /// Whether every service still runs.
    ///
    /// # Errors
    /// Names the first that does not, and why.
    pub fn check_running(&mut self) -> Result<()> {
        self.services
            .iter_mut()
            .find_map(|service| service.process.ended())
            .map_or(Ok(()), Err)
    }

    /// Whether every service still runs and says that it is ready.
    ///
    /// # Errors
    /// Names the first that does not, and why.
    pub async fn check_ready(&mut self) -> Result<()> {
        self.check_running()?;
        for service in &self.services {
            let url = format!("http://{}/readyz", service.admin);
            let request = Request::get(url).body(Bytes::new())?;
            let answer = timeout(PROBE, client::send(request, None))
                .await
                .with_context(|| format!("{} hangs", service.name))??;
            let status = answer.status();
            ensure!(
                status == StatusCode::OK,
                "{} is not ready: it says {status}",
                service.name
            );
        }
        Ok(())
    }

    /// Waits until a service ends that nobody stopped, and says which and why.
    pub async fn unexpected_end(&mut self) -> anyhow::Error {
        let ends = self
            .services
            .iter_mut()
            .map(|service| service.process.unexpected_end().boxed());
        let ends: Vec<_> = ends.collect();
        if ends.is_empty() {
            return std::future::pending().await;
        }
        select_all(ends).await.0
    }

    /// Kills one service without notice.
    ///
    /// # Errors
    /// When the estate has none of that name.
    pub async fn kill(&mut self, name: &str) -> Result<()> {
        self.service_mut(name)?.process.kill().await;
        Ok(())
    }

    /// Stops one service, if it runs, and starts it again on the same addresses.
    ///
    /// # Errors
    /// When the estate has none of that name, or it does not become ready.
    pub async fn restart(&mut self, name: &str) -> Result<()> {
        let service = self.service_mut(name)?;
        service.process.stop().await;
        let addresses = [("LISTEN", service.address), ("ADMIN", service.admin)];
        for (section, address) in addresses {
            let variable = format!("STRATA_{section}__ADDRESS");
            service
                .launch
                .variables
                .insert(variable, address.to_string());
        }
        (service.process, _) = service.launch.start().await?;
        Ok(())
    }

    /// Stops every service, callers before callees, then the issuer, and removes the folder.
    pub async fn stop(mut self) {
        for service in self.services.iter_mut().rev() {
            service.process.stop().await;
        }
        self.issuer.stop().await;
    }

    fn service_mut(&mut self, name: &str) -> Result<&mut Running> {
        let position = self.position(name)?;
        self.services
            .get_mut(position)
            .with_context(|| format!("no service is called {name}"))
    }

    fn position(&self, name: &str) -> Result<usize> {
        let (layer, bare) = match name.split_once('/') {
            Some((layer, bare)) => (Some(layer.parse::<Layer>()?), bare),
            None => (None, name),
        };
        let mut found = self.services.iter().enumerate().filter(|(_, service)| {
            service.name == bare && layer.is_none_or(|layer| service.layer == layer)
        });
        let (position, _) = found
            .next()
            .with_context(|| format!("no service is called {name}"))?;
        ensure!(
            found.next().is_none(),
            "several services are called {name}: say <layer>/{name}"
        );
        Ok(position)
    }
}

fn edge_url(service: &Running) -> String {
    format!("https://localhost:{}", service.address.port())
}
