//! An estate that lacks a control, and the tests that are already built.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::Mutex,
};

use anyhow::{Context as _, Result, ensure};
use cargo_metadata::Message;
use strata_estate::Workspace;
use strata_tests::{BINARIES, copy_of};

use crate::controls::Control;

/// The suites whose tests start the estate's own binaries.
const SUITES: [&str; 3] = ["attacks", "e2e", "layering"];

/// Where estates that lack something are made, one after another.
pub(crate) struct Weakened {
    original: Workspace,
    root: PathBuf,
    suites: BTreeMap<String, PathBuf>,
    /// Tests that were seen to pass on the whole estate.
    honest: Mutex<BTreeSet<String>>,
    /// Nobody else uses the folder meanwhile.
    _alone: File,
}

impl Weakened {
    /// Builds the tests.
    pub(crate) fn new() -> Result<Self> {
        let original = Workspace::find()?;
        let folder = original.root().join("target/tests/weakened");
        fs::create_dir_all(&folder)?;
        let alone = File::create(folder.join("lock"))?;
        alone.lock()?;
        Ok(Self {
            suites: suites(original.root())?,
            root: folder.join("estate"),
            original,
            honest: Mutex::default(),
            _alone: alone,
        })
    }

    /// Whether the control's test passes with it, and fails without it for the reason stated.
    pub(crate) fn lacks(&self, control: &Control) -> Result<()> {
        let mut honest = self
            .honest
            .lock()
            .map_err(|_| anyhow::anyhow!("a test before this one panicked"))?;
        if !honest.contains(&control.test) {
            let (passed, said) = self.test(&control.test, None)?;
            ensure!(
                passed,
                "{} fails on the whole estate:\n{said}",
                control.test
            );
            honest.insert(control.test.clone());
        }
        let (passed, said) = self.test(&control.test, Some(&self.build(control)?))?;
        ensure!(
            !passed,
            "{} passes although the control is not there",
            control.test
        );
        ensure!(
            said.contains(&control.says),
            "{} fails, and not by {:?}:\n{said}",
            control.test,
            control.says
        );
        Ok(())
    }

    /// The folder of binaries that lack the control.
    fn build(&self, control: &Control) -> Result<PathBuf> {
        copy_of(&self.original, &self.root)?;
        let file = self.root.join(&control.file);
        let text = fs::read_to_string(&file)?;
        let weakened = text.replacen(&control.without, &control.instead, 1);
        ensure!(
            weakened != text,
            "{} is not there to be taken away",
            control.name
        );
        fs::write(&file, weakened)?;
        let mut cargo = cargo(&self.root);
        cargo.args(["build", "--workspace", "--bins", "--quiet", "--target-dir"]);
        let target = self.root.with_file_name("target");
        let output = cargo.arg(&target).output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(
            output.status.success(),
            "without {} it does not compile:\n{said}",
            control.name
        );
        Ok(target.join("debug"))
    }

    /// Runs `suite module::test`.
    fn test(&self, name: &str, binaries: Option<&Path>) -> Result<(bool, String)> {
        let (suite, test) = name
            .split_once(' ')
            .context("a test is `suite module::test`")?;
        let program = self.suites.get(suite);
        let program = program.with_context(|| format!("{suite} is none of {SUITES:?}"))?;
        let mut command = Command::new(program);
        command.args(["--exact", test]).stdin(Stdio::null());
        command.current_dir(self.original.root().join("tests"));
        command.env_remove(BINARIES);
        if let Some(folder) = binaries {
            command.env(BINARIES, folder);
        }
        let Output {
            status,
            stdout,
            stderr,
        } = command.output()?;
        let said = [&*stdout, &*stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        ensure!(
            said.contains("running 1 test"),
            "there is no test {name}:\n{said}"
        );
        Ok((status.success(), said))
    }
}

/// The programs of the suites.
fn suites(root: &Path) -> Result<BTreeMap<String, PathBuf>> {
    let mut cargo = cargo(root);
    cargo.args([
        "test",
        "--no-run",
        "--quiet",
        "--message-format=json-render-diagnostics",
    ]);
    for suite in SUITES {
        cargo.args(["--test", suite]);
    }
    let output = cargo.output()?;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let mut programs = BTreeMap::new();
    for message in Message::parse_stream(&*output.stdout) {
        if let Message::CompilerArtifact(artifact) = message?
            && let Some(program) = artifact.executable
        {
            programs.insert(artifact.target.name, program.into_std_path_buf());
        }
    }
    Ok(programs)
}

/// A cargo that knows nothing of the one that runs this test.
fn cargo(root: &Path) -> Command {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(root).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        let ours = ["CARGO_HOME", "CARGO_TARGET_DIR", "CARGO_NET_OFFLINE"];
        if name.starts_with("CARGO") && !ours.contains(&&*name) {
            cargo.env_remove(&*name);
        }
    }
    cargo
}
