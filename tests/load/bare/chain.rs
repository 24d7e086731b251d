//! The four processes of the bare chain, beside a running estate whose material and stores they use.

use std::{
    net::SocketAddr,
    process::{Child, Command, Stdio},
};

use anyhow::{Context as _, Result};
use strata_core::Layer;
use strata_tests::Rig;
use tokio::io::{AsyncBufReadExt as _, BufReader};

use super::{DATABASE, FOLDER, MATERIAL, ROLE, UPSTREAMS};

/// Callees before callers; the last is the edge.
pub(crate) const SERVICES: [&str; 4] = ["customers", "orders", "customer-overview", "storefront"];

/// The chain. Its processes end when it is dropped.
pub(crate) struct Chain {
    processes: Vec<Child>,
    addresses: Vec<SocketAddr>,
}

impl Chain {
    /// Starts every process and waits for its address.
    pub(crate) async fn start(rig: &Rig) -> Result<Self> {
        let mut chain = Self {
            processes: Vec::new(),
            addresses: Vec::new(),
        };
        for service in SERVICES {
            chain.add(rig, service).await?;
        }
        Ok(chain)
    }

    /// The edge's base URL.
    pub(crate) fn url(&self) -> Result<String> {
        let edge = self.addresses.last().context("the chain is empty")?;
        Ok(format!("https://localhost:{}", edge.port()))
    }

    /// Process ids, in the order of [`SERVICES`].
    pub(crate) fn pids(&self) -> Vec<u32> {
        self.processes.iter().map(Child::id).collect()
    }

    async fn add(&mut self, rig: &Rig, service: &str) -> Result<()> {
        let twin = rig.estate.service(service)?;
        let upstreams = SERVICES.iter().zip(&self.addresses);
        let upstreams: Vec<_> = upstreams
            .map(|(name, address)| format!("{name}={address}"))
            .collect();
        let mut command = Command::new(std::env::current_exe()?);
        command
            .args([ROLE, service])
            .env(MATERIAL, &twin.material)
            .env(FOLDER, &twin.folder)
            .env(UPSTREAMS, upstreams.join(","))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        if twin.layer == Layer::System {
            let store = rig.store(service)?;
            command.env(DATABASE, format!("sqlite:{}", store.display()));
        }
        let mut process = command.spawn()?;
        let stdout = process.stdout.take().context("no stdout")?;
        self.processes.push(process);
        let mut lines = BufReader::new(tokio::process::ChildStdout::from_std(stdout)?).lines();
        let address = lines.next_line().await?;
        let address = address.with_context(|| format!("the bare {service} did not start"))?;
        self.addresses.push(address.parse()?);
        Ok(())
    }
}

impl Drop for Chain {
    fn drop(&mut self) {
        for process in &mut self.processes {
            let _gone = process.kill();
            let _reaped = process.wait();
        }
    }
}
