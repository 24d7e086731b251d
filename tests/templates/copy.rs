//! A copy of the repository to add services to.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Output},
};

use strata_estate::{Profile, Workspace, build};
use strata_tests::{copy_of, files};

/// A copy, and the command line to be tested in it.
pub(crate) struct Copy {
    root: PathBuf,
    strata: PathBuf,
}

impl Copy {
    /// A copy at `root`. What is there already stays when it is the same: then cargo, which goes by
    /// the time of a file, builds only what is new.
    pub(crate) async fn at(root: &Path) -> Self {
        let original = Workspace::find().unwrap();
        let binaries = build(&original, Profile::Debug, |_| {}).await.unwrap();
        copy_of(&original, root).unwrap();
        Self {
            root: root.to_owned(),
            strata: binaries.path("strata").unwrap().to_owned(),
        }
    }

    pub(crate) fn workspace(&self) -> Workspace {
        Workspace::at(&self.root)
    }

    /// Every file and what it holds.
    pub(crate) fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        files(&self.root).unwrap()
    }

    /// Runs the command line.
    pub(crate) fn strata(&self, arguments: &[&str]) -> Output {
        self.command(&self.strata).args(arguments).output().unwrap()
    }

    /// Runs cargo, which must succeed.
    pub(crate) fn cargo(&self, arguments: &[&str]) {
        let output = self.command("cargo").args(arguments).output().unwrap();
        succeeds(arguments, &output);
    }

    /// A command that knows nothing of the cargo that runs this test: what that sets for one package
    /// would make another rebuild.
    fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        command.current_dir(&self.root);
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            let ours = ["CARGO_HOME", "CARGO_TARGET_DIR", "CARGO_NET_OFFLINE"];
            if name.starts_with("CARGO") && !ours.contains(&&*name) {
                command.env_remove(&*name);
            }
        }
        command
    }
}

/// Fails with what was said.
#[track_caller]
pub(crate) fn succeeds(arguments: &[&str], output: &Output) {
    // A test that fails says so on stdout.
    let said = [&*output.stdout, &*output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success(), "{arguments:?}: {said}");
}

/// Only one at a time may use the folder until the file is dropped.
pub(crate) fn alone(folder: &Path) -> File {
    fs::create_dir_all(folder).unwrap();
    let lock = File::create(folder.join("lock")).unwrap();
    lock.lock().unwrap();
    lock
}
