//! Programs that are not of this repository: which are there, and the packages they need, installed
//! below `target/interop` at exactly the versions committed here.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use strata_estate::Workspace;
use tokio::{io::AsyncWriteExt as _, process::Command, time::timeout};

/// What puts the programs of this suite onto a Debian.
const INSTALL: &str = "apt-get install python3 python3-venv nodejs npm openssl";
/// Far above what any needs: it ends a test that hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// Says whether a program can be started. Where it cannot, the test is skipped on a developer's
/// machine and fails in CI, which must not pass by testing nothing.
async fn has(program: &str, arguments: &[&str]) -> bool {
    let started = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .await;
    let has = started.is_ok_and(|status| status.success());
    if !has {
        let ci = std::env::var_os("CI").is_some();
        assert!(!ci, "{program} is missing: {INSTALL}");
        println!("SKIPPED: {program} is missing: {INSTALL}");
    }
    has
}

/// OpenSSL's command line, if there is one.
pub(crate) async fn openssl() -> Option<Command> {
    has("openssl", &["version"])
        .await
        .then(|| Command::new("openssl"))
}

/// A Python with the packages of `<name>/requirements.txt`, if there is a Python.
pub(crate) async fn python(name: &str) -> Option<Command> {
    if !has("python3", &["-c", "import ensurepip, venv"]).await {
        return None;
    }
    let requirements = source(name).join("requirements.txt");
    let folder = installed(name, &requirements, async |folder| {
        let mut environment = Command::new("python3");
        environment.args(["-m", "venv", "--clear"]).arg(folder);
        done(environment).await;
        // No package but those listed.
        let mut packages = Command::new(folder.join("bin/python"));
        packages
            .args(["-m", "pip", "install", "--quiet", "--no-input"])
            .args(["--disable-pip-version-check", "--no-deps", "--requirement"])
            .arg(&requirements);
        done(packages).await;
    });
    let mut python = Command::new(folder.await.join("bin/python"));
    python.env_clear();
    Some(python)
}

/// Node, which finds the packages of `<name>/package-lock.json`, if there is a Node.
pub(crate) async fn node(name: &str) -> Option<Command> {
    if !has("node", &["--version"]).await || !has("npm", &["--version"]).await {
        return None;
    }
    let sources = source(name);
    let lock = sources.join("package-lock.json");
    let folder = installed(name, &lock, async |folder| {
        fs::create_dir_all(folder).unwrap();
        for file in ["package.json", "package-lock.json"] {
            fs::copy(sources.join(file), folder.join(file)).unwrap();
        }
        let mut packages = Command::new("npm");
        packages
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
            .current_dir(folder);
        done(packages).await;
    });
    let folder = folder.await;
    let mut node = Command::new("node");
    node.env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("NODE_PATH", folder.join("node_modules"));
    Some(node)
}

/// A file of this suite.
pub(crate) fn source(name: &str) -> PathBuf {
    let workspace = Workspace::find().unwrap();
    workspace.root().join("tests/interop").join(name)
}

/// Runs a program with `input` on its stdin, and gives what it wrote to stdout.
pub(crate) async fn outcome(mut program: Command, input: &[u8]) -> String {
    let mut child = program
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input).await.unwrap();
    drop(stdin);
    let output = timeout(PATIENCE, child.wait_with_output()).await;
    let output = output.expect("it hangs").unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

/// The folder of a program's packages, filled when what is asked for has changed.
async fn installed(name: &str, list: &Path, fill: impl AsyncFnOnce(&Path)) -> PathBuf {
    let workspace = Workspace::find().unwrap();
    let folder = workspace.root().join("target/interop").join(name);
    let held = folder.join("installed");
    let wanted = fs::read(list).unwrap();
    if fs::read(&held).is_ok_and(|held| held == wanted) {
        return folder;
    }
    fill(&folder).await;
    fs::write(held, wanted).unwrap();
    folder
}

async fn done(mut program: Command) {
    let output = program.stdin(Stdio::null()).output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program:?}: {said}");
}
