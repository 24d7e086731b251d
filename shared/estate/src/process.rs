//! One child process: started with a clean environment, watched until it is ready, stopped by its
//! own id and no other.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use anyhow::{Context as _, Result, anyhow, bail};
use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;
use tokio::{
    process::{Child, Command},
    time::{Instant, interval, sleep_until, timeout},
};

/// How long a service may take until it is ready, and seeding until it is done. Far above what
/// either needs: it ends a start that hangs.
const READY: Duration = Duration::from_secs(30);
/// How long a stopping process may drain before it is killed: above any `drain_timeout`.
const DRAIN: Duration = Duration::from_secs(15);
/// How often to look for the announcement.
const POLL: Duration = Duration::from_millis(5);
/// How many of its last log lines say why a process failed.
const LOG_LINES: usize = 12;
/// What a process inherits: no setting of the estate.
const INHERITED: [&str; 4] = ["PATH", "HOME", "TMPDIR", "LANG"];

/// How to start a service.
#[derive(Clone, Debug)]
pub(crate) struct Launch {
    /// Binary name, for messages.
    pub(crate) name: String,
    pub(crate) binary: PathBuf,
    /// Working directory: the service's folder.
    pub(crate) folder: PathBuf,
    pub(crate) variables: BTreeMap<String, String>,
    pub(crate) log: PathBuf,
    pub(crate) announce: PathBuf,
}

/// What a service writes once it is ready.
#[derive(Debug, Deserialize)]
pub(crate) struct Announcement {
    pub(crate) id: String,
    pub(crate) address: SocketAddr,
    pub(crate) admin: SocketAddr,
}

/// A started service. Dropping it kills the process.
#[derive(Debug)]
pub(crate) struct Process {
    name: String,
    log: PathBuf,
    child: Child,
}

impl Launch {
    /// Starts the service and waits until it is ready.
    pub(crate) async fn start(&self) -> Result<(Process, Announcement)> {
        let _stale = fs::remove_file(&self.announce);
        let mut command = self.command()?;
        command.arg("--announce").arg(&self.announce);
        let mut process = self.spawn(command)?;
        match process.ready(&self.announce).await {
            Ok(announcement) => Ok((process, announcement)),
            Err(error) => {
                process.stop().await;
                Err(error)
            }
        }
    }

    /// Fills its store with demo data.
    pub(crate) async fn seed(&self) -> Result<()> {
        let mut command = self.command()?;
        command.arg("seed");
        let mut process = self.spawn(command)?;
        match timeout(READY, process.child.wait()).await {
            Ok(status) if status.as_ref().is_ok_and(ExitStatus::success) => Ok(()),
            Ok(status) => Err(process.failure(&format!("{} while seeding", exit(status.ok())))),
            Err(_) => {
                let error = process.failure(&format!("did not finish seeding in {READY:?}"));
                process.stop().await;
                Err(error)
            }
        }
    }

    fn command(&self) -> Result<Command> {
        let log = File::options().create(true).append(true).open(&self.log);
        let log = log.with_context(|| format!("{} cannot be written", self.log.display()))?;
        let mut command = Command::new(&self.binary);
        command
            .args(["--folder", "."])
            .current_dir(&self.folder)
            .env_clear()
            .envs(
                INHERITED
                    .iter()
                    .filter_map(|name| Some((name, std::env::var_os(name)?))),
            )
            .envs(&self.variables)
            .stdin(Stdio::null())
            .stdout(log.try_clone().context("the log cannot be shared")?)
            .stderr(log)
            // Its own group: an interrupt from the terminal reaches the parent alone, which then
            // stops the services in order.
            .process_group(0)
            .kill_on_drop(true);
        Ok(command)
    }

    fn spawn(&self, mut command: Command) -> Result<Process> {
        let child = command
            .spawn()
            .with_context(|| format!("{} cannot be started", self.binary.display()))?;
        Ok(Process {
            name: self.name.clone(),
            log: self.log.clone(),
            child,
        })
    }
}

impl Process {
    /// Its id, unless it has ended.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Why it is no longer running, if so.
    pub(crate) fn ended(&mut self) -> Option<anyhow::Error> {
        let status = self.child.try_wait().ok()??;
        Some(self.failure(&exit(Some(status))))
    }

    /// Waits for its end, which nobody asked for.
    pub(crate) async fn unexpected_end(&mut self) -> anyhow::Error {
        let status = self.child.wait().await.ok();
        self.failure(&exit(status))
    }

    /// Asks it to drain, and kills it when it takes too long.
    pub(crate) async fn stop(&mut self) {
        if self.signal(Signal::TERM) && timeout(DRAIN, self.child.wait()).await.is_ok() {
            return;
        }
        self.kill().await;
    }

    /// Kills it without notice.
    pub(crate) async fn kill(&mut self) {
        let _gone = self.child.kill().await;
    }

    /// Only a child not yet waited for has an id, so the id cannot be another process's.
    fn signal(&self, signal: Signal) -> bool {
        self.child
            .id()
            .and_then(|id| Pid::from_raw(i32::try_from(id).ok()?))
            .is_some_and(|pid| kill_process(pid, signal).is_ok())
    }

    async fn ready(&mut self, announce: &Path) -> Result<Announcement> {
        let deadline = Instant::now() + READY;
        let mut look = interval(POLL);
        loop {
            tokio::select! {
                status = self.child.wait() => {
                    bail!(self.failure(&format!("{} before it was ready", exit(status.ok()))));
                }
                () = sleep_until(deadline) => {
                    bail!(self.failure(&format!("was not ready in {READY:?}")));
                }
                _ = look.tick() => {
                    if let Ok(text) = fs::read(announce) {
                        return serde_json::from_slice(&text)
                            .with_context(|| format!("{} announced itself wrongly", self.name));
                    }
                }
            }
        }
    }

    fn failure(&self, what: &str) -> anyhow::Error {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let last = lines
            .get(lines.len().saturating_sub(LOG_LINES)..)
            .unwrap_or_default();
        if last.is_empty() {
            return anyhow!("{} {what} and logged nothing", self.name);
        }
        anyhow!(
            "{} {what}; its last log lines:\n  {}",
            self.name,
            last.join("\n  ")
        )
    }
}

fn exit(status: Option<ExitStatus>) -> String {
    status.map_or_else(
        || "ended".to_owned(),
        |status| format!("ended with {status}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    /// A service that is a shell script; `$4` is the announce file.
    fn launch(folder: &Path, script: &str) -> Launch {
        let binary = folder.join("service");
        fixture::script(&binary, script);
        Launch {
            name: "system-sample".to_owned(),
            binary,
            folder: folder.to_owned(),
            variables: BTreeMap::from([("STRATA_ENV".to_owned(), "dev".to_owned())]),
            log: folder.join("log"),
            announce: folder.join("announce.json"),
        }
    }

    const ANNOUNCE: &str =
        r#"echo '{"id":"a","address":"127.0.0.1:1","admin":"127.0.0.1:2"}' >t; mv t "$4";"#;

    #[tokio::test]
    async fn a_service_is_ready_when_it_says_so_and_drains_when_asked() {
        let folder = tempfile::tempdir().unwrap();
        let script =
            format!("trap 'echo drained; exit 0' TERM; {ANNOUNCE} while :; do sleep 0.01; done");
        let launch = launch(folder.path(), &script);
        let (mut process, announcement) = launch.start().await.unwrap();
        assert_eq!(announcement.address.port(), 1);
        assert!(process.ended().is_none());
        process.stop().await;
        assert_eq!(process.pid(), None);
        assert_eq!(fs::read_to_string(&launch.log).unwrap(), "drained\n");
    }

    #[tokio::test]
    async fn one_that_ends_before_it_is_ready_is_named_with_its_last_words() {
        let folder = tempfile::tempdir().unwrap();
        let launch = launch(folder.path(), "echo the port is taken >&2; exit 3");
        let error = launch.start().await.unwrap_err().to_string();
        for part in [
            "system-sample",
            "exit status: 3",
            "before it was ready",
            "the port is taken",
        ] {
            assert!(error.contains(part), "{error}");
        }
    }

    #[tokio::test]
    async fn one_that_dies_later_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let launch = launch(folder.path(), &format!("{ANNOUNCE} exec sleep 60"));
        let (mut process, _) = launch.start().await.unwrap();
        assert!(process.signal(Signal::KILL));
        let error = process.unexpected_end().await.to_string();
        assert!(
            error.contains("system-sample ended with signal: 9"),
            "{error}"
        );
    }

    #[tokio::test]
    async fn a_failed_seed_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let honest = launch(folder.path(), r#"test "$3" = seed"#);
        assert!(honest.seed().await.is_ok());
        let failing = launch(folder.path(), "exit 1");
        let error = failing.seed().await.unwrap_err().to_string();
        assert!(
            error.contains("system-sample ended with exit status: 1 while seeding"),
            "{error}"
        );
    }

    #[tokio::test]
    async fn it_inherits_no_setting() {
        let folder = tempfile::tempdir().unwrap();
        let launch = launch(folder.path(), "env");
        launch.seed().await.unwrap();
        let log = fs::read_to_string(&launch.log).unwrap();
        let names: Vec<_> = log
            .lines()
            .filter_map(|line| line.split('=').next())
            .collect();
        assert!(names.contains(&"STRATA_ENV"), "{log}");
        // The shell adds the last three itself.
        let known = [INHERITED.as_slice(), &["STRATA_ENV", "PWD", "SHLVL", "_"]].concat();
        assert!(names.iter().all(|name| known.contains(name)), "{log}");
    }
}
