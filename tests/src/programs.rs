//! Programs that are not of this repository: which are there, and the packages they need, installed
//! below `target/programs` at exactly the versions committed here.

use std::{
    fs,
    io::Write as _,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use strata_estate::Workspace;
use tokio::{
    io::AsyncWriteExt as _,
    net::TcpStream,
    process::{Child, Command},
    time::timeout,
};

use crate::counts::eventually;

/// What puts them onto a Debian.
const INSTALL: &str =
    "apt-get install python3 python3-venv nodejs npm openssl redis-server faketime";
/// What puts the one onto it that checks dependencies.
const INSTALL_DENY: &str = "cargo install cargo-deny --locked";
/// Far above what any needs: it ends a test that hangs.
const PATIENCE: Duration = Duration::from_secs(300);

/// Says whether a program can be started. Where it cannot, the test is skipped on a developer's
/// machine and fails in CI, which must not pass by testing nothing.
async fn has(program: &str, arguments: &[&str]) -> Result<bool> {
    has_or(program, arguments, INSTALL).await
}

async fn has_or(program: &str, arguments: &[&str], install: &str) -> Result<bool> {
    let started = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .await;
    let has = started.is_ok_and(|status| status.success());
    if !has {
        missing(program, install)?;
    }
    Ok(has)
}

/// Says that a test is skipped, and what to do about it; in CI that is an error.
pub(crate) fn missing(what: &str, remedy: &str) -> Result<()> {
    if std::env::var_os("CI").is_some() {
        bail!("{what} is missing: {remedy}");
    }
    writeln!(std::io::stdout(), "SKIPPED: {what} is missing: {remedy}")?;
    Ok(())
}

/// The library that shows a process another time of day, if there is one.
///
/// # Errors
/// When faketime does not say where it is; in CI, when there is none.
pub async fn faketime() -> Result<Option<PathBuf>> {
    if !has("faketime", &["--version"]).await? {
        return Ok(None);
    }
    // It preloads the library into whatever it runs.
    let mut shown = Command::new("faketime");
    shown.args(["-m", "-f", "+0", "printenv", "LD_PRELOAD"]);
    let library = outcome(shown, b"").await?;
    Ok(Some(library.trim().into()))
}

/// OpenSSL's command line, if there is one.
///
/// # Errors
/// In CI, when there is none.
pub async fn openssl() -> Result<Option<Command>> {
    let has = has("openssl", &["version"]).await?;
    Ok(has.then(|| Command::new("openssl")))
}

/// cargo-deny, if there is one.
///
/// # Errors
/// In CI, when there is none.
pub async fn cargo_deny() -> Result<Option<Command>> {
    let has = has_or("cargo-deny", &["--version"], INSTALL_DENY).await?;
    Ok(has.then(|| Command::new("cargo-deny")))
}

/// A Redis on this port of loopback that keeps nothing on disk, if there is one. It is ended with the
/// handle.
///
/// # Errors
/// When it does not start; in CI, when there is none.
pub async fn redis(port: u16) -> Result<Option<Child>> {
    if !has("redis-server", &["--version"]).await? {
        return Ok(None);
    }
    let mut child = Command::new("redis-server")
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
        .args(["--save", "", "--appendonly", "no"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    eventually(PATIENCE, async || {
        if let Some(status) = child.try_wait()? {
            bail!("redis-server ended with {status}");
        }
        Ok(TcpStream::connect((Ipv4Addr::LOCALHOST, port))
            .await
            .is_ok())
    })
    .await?;
    Ok(Some(child))
}

/// The folder of the programs of a Python that has the packages of `tests/<folder>/requirements.txt`,
/// if there is a Python.
///
/// # Errors
/// When they cannot be installed; in CI, when there is no Python.
pub async fn python(folder: &str) -> Result<Option<PathBuf>> {
    if !has("python3", &["-c", "import ensurepip, venv"]).await? {
        return Ok(None);
    }
    let requirements = source(folder)?.join("requirements.txt");
    let environment = installed(folder, &requirements, async |environment| {
        let mut create = Command::new("python3");
        create.args(["-m", "venv", "--clear"]).arg(environment);
        done(create).await?;
        // No package but those listed.
        let mut packages = Command::new(environment.join("bin/python"));
        packages
            .args(["-m", "pip", "install", "--quiet", "--no-input"])
            .args(["--disable-pip-version-check", "--no-deps", "--requirement"])
            .arg(&requirements);
        done(packages).await
    });
    Ok(Some(environment.await?.join("bin")))
}

/// Node, which finds the packages of `tests/<folder>/package-lock.json`, if there is a Node.
///
/// # Errors
/// When they cannot be installed; in CI, when there is no Node.
pub async fn node(folder: &str) -> Result<Option<Command>> {
    if !has("node", &["--version"]).await? || !has("npm", &["--version"]).await? {
        return Ok(None);
    }
    let sources = source(folder)?;
    let lock = sources.join("package-lock.json");
    let modules = installed(folder, &lock, async |modules| {
        fs::create_dir_all(modules)?;
        for file in ["package.json", "package-lock.json"] {
            fs::copy(sources.join(file), modules.join(file))?;
        }
        let mut packages = Command::new("npm");
        packages
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
            .current_dir(modules);
        done(packages).await
    });
    let modules = modules.await?;
    let mut node = Command::new("node");
    node.env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("NODE_PATH", modules.join("node_modules"));
    Ok(Some(node))
}

/// What is at a path below `tests`.
///
/// # Errors
/// Outside a workspace.
pub fn source(path: &str) -> Result<PathBuf> {
    Ok(Workspace::find()?.root().join("tests").join(path))
}

/// Runs a program with `input` on its stdin, and gives what it wrote to stdout.
///
/// # Errors
/// When it fails, or hangs: the error then says what it wrote.
pub async fn outcome(mut program: Command, input: &[u8]) -> Result<String> {
    let mut child = program
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let mut stdin = child.stdin.take().context("it has no stdin")?;
    stdin.write_all(input).await?;
    drop(stdin);
    let output = timeout(PATIENCE, child.wait_with_output()).await;
    let output = output.with_context(|| format!("{program:?} hangs"))??;
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "{program:?}: {}\n{said}{complained}",
        output.status
    );
    Ok(said.into_owned())
}

/// The folder of a program's packages, filled when what is asked for has changed.
async fn installed(
    folder: &str,
    list: &Path,
    fill: impl AsyncFnOnce(&Path) -> Result<()>,
) -> Result<PathBuf> {
    let workspace = Workspace::find()?;
    let folder = workspace.root().join("target/programs").join(folder);
    let held = folder.join("installed");
    let wanted = fs::read(list)?;
    if !fs::read(&held).is_ok_and(|held| held == wanted) {
        fill(&folder).await?;
        fs::write(held, wanted)?;
    }
    Ok(folder)
}

async fn done(program: Command) -> Result<()> {
    outcome(program, b"").await.map(drop)
}
