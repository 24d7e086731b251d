//! Builds every binary of the estate, always by the same command, so that features unify alike for
//! `up`, `cargo test` and CI and nothing is built twice.

use std::{
    collections::BTreeMap,
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use cargo_metadata::Message;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader},
    process::{ChildStdout, Command},
};

use crate::workspace::Workspace;

/// How often to ask whether another build is over.
const TURN: Duration = Duration::from_millis(100);

/// Which cargo profile to build.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// `dev`.
    #[default]
    Debug,
    /// `release`.
    Release,
}

/// One step of a build.
#[derive(Clone, Debug)]
pub struct BuildProgress {
    /// Units done so far.
    pub done: usize,
    /// What was done last.
    pub unit: String,
}

/// The built binaries.
#[derive(Clone, Debug)]
pub struct Binaries(BTreeMap<String, PathBuf>);

impl Binaries {
    /// Binaries built elsewhere, by name.
    #[must_use]
    pub const fn of(binaries: BTreeMap<String, PathBuf>) -> Self {
        Self(binaries)
    }

    /// The path of a binary, by its name.
    ///
    /// # Errors
    /// When the workspace has no such binary.
    pub fn path(&self, name: &str) -> Result<&Path> {
        self.0.get(name).map(PathBuf::as_path).with_context(|| {
            format!("no package builds a binary called {name}: name it so in the Cargo.toml")
        })
    }
}

/// Builds all binaries. Callers in several processes take turns.
///
/// # Errors
/// What the compiler says.
pub async fn build(
    workspace: &Workspace,
    profile: Profile,
    mut progress: impl FnMut(BuildProgress),
) -> Result<Binaries> {
    let _turn = take_turn(workspace.root()).await?;
    let mut cargo = cargo(workspace.root());
    cargo.args(["build", "--workspace", "--bins", "--quiet"]);
    cargo.arg("--message-format=json-render-diagnostics");
    if profile == Profile::Release {
        cargo.arg("--release");
    }
    let mut child = cargo
        .spawn()
        .context("cargo cannot be started: install it and set PATH")?;
    let stdout = child.stdout.take().context("cargo has no output")?;
    let mut stderr = child.stderr.take().context("cargo has no error output")?;
    let mut said = String::new();
    let (binaries, read) = tokio::join!(
        artifacts(stdout, &mut progress),
        stderr.read_to_string(&mut said)
    );
    let status = child.wait().await.context("cargo cannot be waited for")?;
    read.context("what cargo says cannot be read")?;
    ensure!(
        status.success(),
        "the build failed: mend what the compiler names\n{said}"
    );
    binaries
}

/// Follows cargo's messages until it is done.
async fn artifacts(
    stdout: ChildStdout,
    progress: &mut impl FnMut(BuildProgress),
) -> Result<Binaries> {
    let mut lines = BufReader::new(stdout).lines();
    let mut binaries = BTreeMap::new();
    let mut done = 0;
    while let Some(line) = lines
        .next_line()
        .await
        .context("what cargo says cannot be read")?
    {
        let message = serde_json::from_str(&line).context("what cargo says cannot be read")?;
        let Message::CompilerArtifact(artifact) = message else {
            continue;
        };
        done += 1;
        if let Some(executable) = artifact.executable {
            binaries.insert(artifact.target.name.clone(), executable.into_std_path_buf());
        }
        progress(BuildProgress {
            done,
            unit: artifact.target.name,
        });
    }
    Ok(Binaries(binaries))
}

/// A cargo that knows nothing of the one that may have started this process: `CARGO_PKG_*` and its
/// like leak into a nested build and make it rebuild.
fn cargo(root: &Path) -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .current_dir(root)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    for (name, _) in std::env::vars_os() {
        let leaks = name.to_str().is_some_and(|name| {
            [
                "CARGO_PKG_",
                "CARGO_MANIFEST_",
                "CARGO_BIN_",
                "CARGO_CRATE_",
                "DEP_",
            ]
            .iter()
            .any(|prefix| name.starts_with(prefix))
                || ["CARGO_PRIMARY_PACKAGE", "CARGO_TARGET_TMPDIR", "OUT_DIR"].contains(&name)
        });
        if leaks {
            cargo.env_remove(name);
        }
    }
    cargo
}

/// Held until dropped. Waits by asking again, so that the waiting can be given up.
async fn take_turn(root: &Path) -> Result<File> {
    let folder = root.join("target");
    let busy = || format!("{} cannot be locked", folder.display());
    fs::create_dir_all(&folder).with_context(busy)?;
    let file = File::create(folder.join(".strata-build.lock")).with_context(busy)?;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => tokio::time::sleep(TURN).await,
            Err(TryLockError::Error(error)) => return Err(error).with_context(busy),
        }
    }
}
