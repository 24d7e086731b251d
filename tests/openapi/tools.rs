//! The tools of the suite, where they are installed.

use std::{
    path::{Path, PathBuf},
    process::{Output, Stdio},
    time::Duration,
};

use tokio::{process::Command, time::timeout};

/// Far above what a run needs: it ends one that hangs.
const PATIENCE: Duration = Duration::from_secs(300);

/// How to install them.
const INSTALL: &str = "python3 -m venv target/openapi && \
    target/openapi/bin/pip install -r tests/openapi/requirements.txt";

/// A command of the tools' own environment, run at the root of the repository. Where they are not
/// installed there is none, and the test says so; in continuous integration that is a failure.
pub(crate) fn tool(root: &Path, name: &str) -> Option<Command> {
    let program: PathBuf = root.join("target/openapi/bin").join(name);
    if !program.is_file() {
        assert!(
            std::env::var_os("CI").is_none(),
            "install {name}: {INSTALL}"
        );
        eprintln!("SKIPPED: {name} is not installed: {INSTALL}");
        return None;
    }
    let mut command = Command::new(program);
    command
        .current_dir(root)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    Some(command)
}

/// Runs a tool to its end; it must find nothing.
pub(crate) async fn finds_nothing(mut command: Command) {
    let ran = timeout(PATIENCE, command.output());
    let Output {
        status,
        stdout,
        stderr,
    } = ran.await.unwrap().unwrap();
    let said = [stdout, stderr].concat();
    assert!(
        status.success(),
        "{status}\n{}",
        String::from_utf8_lossy(&said)
    );
}
