//! One process of a service, started by a test with variables of its own.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fs::{self, File},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use http::{Request, StatusCode};
use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;
use strata_estate::client;
use tempfile::TempDir;
use tokio::{
    process::{Child, Command},
    time::timeout,
};

use crate::counts::eventually;

/// How long a process may take to get ready or to end. Far above what either needs: it ends a test
/// that hangs.
const PATIENCE: Duration = Duration::from_secs(30);

/// The folders of its audit trail, beside its log.
const AUDIT: &str = "audit";
const CHECKPOINTS: &str = "checkpoints";

/// A process about to be started: in the dev environment, on any free ports of loopback.
pub struct Launch {
    binary: PathBuf,
    folder: PathBuf,
    variables: BTreeMap<OsString, OsString>,
    arguments: Vec<OsString>,
    scratch: TempDir,
}

/// A process that ended by itself or was asked to.
#[derive(Debug)]
pub struct Ended {
    /// How it ended.
    pub status: ExitStatus,
    /// What it wrote to stdout.
    pub stdout: String,
    /// What it wrote to stderr, which is its log.
    pub stderr: String,
    /// Its audit trail, as far as it is text.
    pub trail: String,
}

/// A process that is ready. Dropping it kills it.
pub struct Instance {
    /// Where it listens.
    pub address: SocketAddr,
    /// Health, readiness and metrics.
    pub admin: SocketAddr,
    child: Child,
    scratch: TempDir,
}

#[derive(Deserialize)]
struct Announcement {
    address: SocketAddr,
    admin: SocketAddr,
}

impl Launch {
    /// A process of `binary` over a service's folder.
    ///
    /// # Errors
    /// When no temporary folder can be made.
    pub fn new(binary: &Path, folder: &Path) -> Result<Self> {
        let launch = Self {
            binary: binary.to_owned(),
            folder: folder.to_owned(),
            variables: BTreeMap::new(),
            arguments: Vec::new(),
            scratch: tempfile::tempdir().context("no temporary folder can be made")?,
        };
        let at = |folder| launch.scratch.path().join(folder);
        let (audit, checkpoints) = (at(AUDIT), at(CHECKPOINTS));
        Ok(launch
            .set("STRATA_AUDIT__FOLDER", audit)
            .set("STRATA_AUDIT__CHECKPOINTS", checkpoints)
            .set("STRATA_ENV", "dev")
            .set("STRATA_LISTEN__ADDRESS", "127.0.0.1:0")
            .set("STRATA_ADMIN__ADDRESS", "127.0.0.1:0"))
    }

    /// Over another folder.
    #[must_use]
    pub fn folder(mut self, folder: &Path) -> Self {
        self.folder = folder.to_owned();
        self
    }

    /// Of another program, which takes the same arguments.
    #[must_use]
    pub fn binary(mut self, binary: &Path) -> Self {
        self.binary = binary.to_owned();
        self
    }

    /// With a variable, in place of the one there is.
    #[must_use]
    pub fn set(mut self, variable: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.variables
            .insert(variable.as_ref().to_owned(), value.as_ref().to_owned());
        self
    }

    /// Without a variable.
    #[must_use]
    pub fn unset(mut self, variable: &str) -> Self {
        self.variables.remove(OsStr::new(variable));
        self
    }

    /// With a further argument.
    #[must_use]
    pub fn argument(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    /// Calling `service` at `address`.
    #[must_use]
    pub fn upstream(self, service: &str, address: SocketAddr) -> Self {
        self.upstreams(service, &[address])
    }

    /// Calling `service` at any of `addresses`.
    #[must_use]
    pub fn upstreams(self, service: &str, addresses: &[SocketAddr]) -> Self {
        let key = service.to_uppercase().replace('-', "_");
        let addresses: Vec<_> = addresses.iter().map(|it| format!("\"{it}\"")).collect();
        self.set(
            format!("STRATA_UPSTREAMS__{key}__ENDPOINTS"),
            format!("[{}]", addresses.join(", ")),
        )
    }

    /// Starts it and waits until it is ready.
    ///
    /// # Errors
    /// When it ends before, or does not get ready: with what it said.
    pub async fn start(self) -> Result<Instance> {
        let announce = self.scratch.path().join("announce.json");
        let mut child = self.command()?.arg("--announce").arg(&announce).spawn()?;
        let mut announced = None;
        let ready = eventually(PATIENCE, async || {
            if let Some(status) = child.try_wait()? {
                bail!("ended with {status}");
            }
            announced = fs::read(&announce).ok();
            Ok(announced.is_some())
        });
        if let Err(error) = ready.await {
            return Err(error.context(said(&self.scratch, "stderr")));
        }
        let announcement: Announcement =
            serde_json::from_slice(&announced.context("there is no announcement")?)?;
        Ok(Instance {
            address: announcement.address,
            admin: announcement.admin,
            child,
            scratch: self.scratch,
        })
    }

    /// Starts it and waits until it ends by itself.
    ///
    /// # Errors
    /// When it cannot be started or does not end.
    pub async fn run(self) -> Result<Ended> {
        let child = self.command()?.spawn()?;
        ended(child, &self.scratch).await
    }

    fn command(&self) -> Result<Command> {
        let file = |name| File::create(self.scratch.path().join(name));
        let mut command = Command::new(&self.binary);
        command
            .arg("--folder")
            .arg(&self.folder)
            .args(&self.arguments)
            .env_clear()
            .envs(&self.variables)
            .stdin(Stdio::null())
            .stdout(file("stdout").context("stdout cannot be written")?)
            .stderr(file("stderr").context("stderr cannot be written")?)
            .kill_on_drop(true);
        Ok(command)
    }
}

impl Instance {
    /// Where it keeps its audit trail.
    #[must_use]
    pub fn audit(&self) -> PathBuf {
        self.scratch.path().join(AUDIT)
    }

    /// Where the checkpoints of that are.
    #[must_use]
    pub fn checkpoints(&self) -> PathBuf {
        self.scratch.path().join(CHECKPOINTS)
    }

    /// Its process id, until it has been waited for.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// What it has logged so far.
    #[must_use]
    pub fn log(&self) -> String {
        said(&self.scratch, "stderr")
    }

    /// Whether it says that it can answer.
    ///
    /// # Errors
    /// When its admin listener does not answer.
    pub async fn is_ready(&self) -> Result<bool> {
        let request = Request::get(format!("http://{}/readyz", self.admin)).body(Bytes::new())?;
        let answer = client::send(request, None).await?;
        Ok(answer.status() == StatusCode::OK)
    }

    /// Asks it to drain.
    ///
    /// # Errors
    /// When it has ended.
    pub fn terminate(&self) -> Result<()> {
        self.signal(Signal::TERM)
    }

    /// Ends it without a word.
    ///
    /// # Errors
    /// When it has ended.
    pub fn kill(&self) -> Result<()> {
        self.signal(Signal::KILL)
    }

    /// Lets it hang: it keeps its connections and does nothing.
    ///
    /// # Errors
    /// When it has ended.
    pub fn halt(&self) -> Result<()> {
        self.signal(Signal::STOP)
    }

    /// Lets it go on.
    ///
    /// # Errors
    /// When it has ended.
    pub fn resume(&self) -> Result<()> {
        self.signal(Signal::CONT)
    }

    /// Waits until it has ended.
    ///
    /// # Errors
    /// When it does not end.
    pub async fn ended(self) -> Result<Ended> {
        ended(self.child, &self.scratch).await
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        // Only a child not yet waited for has an id, so the id cannot be another process's.
        let pid = self.child.id().and_then(|id| i32::try_from(id).ok());
        let pid = pid.and_then(Pid::from_raw).context("it has ended before")?;
        kill_process(pid, signal).context("it takes no signal")
    }
}

async fn ended(mut child: Child, scratch: &TempDir) -> Result<Ended> {
    let status = timeout(PATIENCE, child.wait())
        .await
        .with_context(|| format!("it still runs after {PATIENCE:?}"))??;
    Ok(Ended {
        status,
        stdout: said(scratch, "stdout"),
        stderr: said(scratch, "stderr"),
        trail: trail(scratch),
    })
}

fn trail(scratch: &TempDir) -> String {
    let files = fs::read_dir(scratch.path().join(AUDIT));
    let files = files.into_iter().flatten().flatten();
    let bytes = files.flat_map(|file| fs::read(file.path()).unwrap_or_default());
    String::from_utf8_lossy(&bytes.collect::<Vec<_>>()).into_owned()
}

fn said(scratch: &TempDir, stream: &str) -> String {
    fs::read_to_string(scratch.path().join(stream)).unwrap_or_default()
}
