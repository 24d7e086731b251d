//! What each service is started with, and in which order.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener},
    path::Path,
};

use anyhow::{Context as _, Result, ensure};
use strata_config::{Edge, Environment, Manifest, dns_name, trust_domain};
use strata_core::Layer;

use super::{Estate, Options, Running, StartProgress};
use crate::{
    compile::Binaries,
    process::{Announcement, Launch, Process},
    summary::{AUDIT, CHECKPOINTS, STORE},
    workspace::ServiceFolder,
};

/// Any free port of loopback.
pub(super) const ANY: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

impl Estate {
    pub(super) async fn start_all(
        &mut self,
        services: &[ServiceFolder],
        options: Options<'_>,
    ) -> Result<()> {
        let Options {
            binaries,
            progress,
            mut edge_port,
            settings,
            ..
        } = options;
        for service in services {
            let name = service.manifest.name.as_str();
            let edge = service.manifest.layer == Layer::Experience;
            let port = match edge_port.take_if(|_| edge) {
                Some(port) if is_free(port) => port,
                Some(port) => {
                    progress(StartProgress::PortTaken(port));
                    0
                }
                None => 0,
            };
            let mut launch = self.launch(service, binaries, port)?;
            for (name, value) in settings {
                let variable = launch.variables.entry(name.clone());
                variable.or_insert_with(|| value.clone());
            }
            if service.manifest.seed {
                progress(StartProgress::Seeding(name));
                launch.seed().await?;
            }
            progress(StartProgress::Starting(name));
            let (process, announcement) = launch.start().await?;
            let running = self.running(service, launch, process, &announcement)?;
            self.services.push(running);
            progress(StartProgress::Ready(name));
        }
        Ok(())
    }

    fn launch(&self, service: &ServiceFolder, binaries: &Binaries, port: u16) -> Result<Launch> {
        let manifest = &service.manifest;
        let folder = self.folder.path().join(&service.binary);
        std::fs::create_dir(&folder)
            .with_context(|| format!("{} cannot be created", folder.display()))?;
        let listen = SocketAddr::new(ANY.ip(), port);
        let mut variables = BTreeMap::from([
            ("STRATA_ENV".to_owned(), self.environment.to_string()),
            ("STRATA_LISTEN__ADDRESS".to_owned(), listen.to_string()),
            ("STRATA_ADMIN__ADDRESS".to_owned(), ANY.to_string()),
            (
                "STRATA_TLS__MATERIAL".to_owned(),
                path_text(&self.pki.issue(manifest, &service.exempted()?)?)?,
            ),
        ]);
        for (key, name) in [("FOLDER", AUDIT), ("CHECKPOINTS", CHECKPOINTS)] {
            let place = path_text(&folder.join(name))?;
            variables.insert(format!("STRATA_AUDIT__{key}"), place);
        }
        if manifest.layer == Layer::System {
            let file = path_text(&folder.join(STORE))?;
            variables.insert("STRATA_DATABASE__URL".to_owned(), format!("sqlite:{file}"));
        }
        if let Some(audience) = audience(manifest, self.environment) {
            variables.insert(
                "STRATA_TOKENS__ISSUER".to_owned(),
                self.issuer.url().to_owned(),
            );
            variables.insert("STRATA_TOKENS__AUDIENCE".to_owned(), audience);
        }
        for edge in manifest.edges() {
            let callee = self.callee(&manifest.name, &edge)?;
            let key = edge.service.to_uppercase().replace('-', "_");
            let variable = format!("STRATA_UPSTREAMS__{key}__ENDPOINTS");
            variables.insert(variable, format!("[\"{}\"]", callee.address));
        }
        Ok(Launch {
            name: service.binary.clone(),
            binary: binaries.path(&service.binary)?.to_owned(),
            folder: service.folder.clone(),
            variables,
            log: folder.join("log"),
            announce: folder.join("announce.json"),
        })
    }

    fn callee(&self, caller: &str, edge: &Edge<'_>) -> Result<&Running> {
        let Edge {
            layer,
            service: name,
            ..
        } = edge;
        self.services
            .iter()
            .find(|service| service.name == *name && service.layer == *layer)
            .with_context(|| {
                format!("{caller} calls {name}, but the {layer} layer has no service of that name")
            })
    }

    fn running(
        &self,
        service: &ServiceFolder,
        launch: Launch,
        process: Process,
        announcement: &Announcement,
    ) -> Result<Running> {
        let ServiceFolder {
            manifest,
            folder,
            binary,
        } = service;
        let id = trust_domain(manifest.layer, self.environment)?.workload(&manifest.name)?;
        ensure!(
            announcement.id == id.as_str(),
            "{binary} says it is {}, but its material is of {id}",
            announcement.id
        );
        Ok(Running {
            layer: manifest.layer,
            name: manifest.name.clone(),
            id,
            address: announcement.address,
            admin: announcement.admin,
            material: self.pki.material(manifest.layer, &manifest.name),
            folder: folder.clone(),
            log: launch.log.clone(),
            launch,
            process,
        })
    }
}

/// For whom a token must be made so that an Experience API accepts it.
pub(super) fn audience(manifest: &Manifest, environment: Environment) -> Option<String> {
    (manifest.layer == Layer::Experience).then(|| {
        format!(
            "https://{}",
            dns_name(manifest.layer, environment, &manifest.name)
        )
    })
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

fn path_text(path: &Path) -> Result<String> {
    let text = path.to_str().with_context(|| {
        format!(
            "{} is no UTF-8: set TMPDIR to a folder whose path is",
            path.display()
        )
    })?;
    Ok(text.to_owned())
}
