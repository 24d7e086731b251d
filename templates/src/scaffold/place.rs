//! Puts a rendered service in place, with everything that is made from it: all of it or nothing.

use std::{
    fs,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, ensure};
use strata_core::Layer;
use strata_estate::{Graph, Workspace};

use super::{callers::Grant, plan::Plan};
use crate::{
    catalogue::{self, Catalogue},
    data_map::{self, DataMap},
    documents::{Document, file},
};

/// The version a new contract has.
const VERSION: &str = "v1";

/// Cargo's own record of every package.
pub(super) const LOCK: &str = "Cargo.lock";

/// Moves the two folders of the service out of `staged` and brings Cargo.lock, the graph, the
/// callees' grants, the OpenAPI document of an Experience API, the data map and the catalogue up to date.
pub(super) fn place(
    workspace: &Workspace,
    plan: &Plan,
    staged: &Path,
    grants: &[Grant],
) -> Result<()> {
    let root = workspace.root();
    let mut undo = Undo::default();
    let outcome = (|| {
        for folder in plan.folders() {
            undo.moves(staged.join(&folder), root.join(&folder))?;
        }
        for grant in grants {
            undo.writes(&root.join(&grant.file), &grant.text)?;
        }
        undo.keeps(&root.join(LOCK))?;
        lock(root)?;
        let graph = Graph::read(workspace)?.to_json()?;
        undo.writes(&Graph::file(workspace), &graph)?;
        if plan.layer == Layer::Experience {
            for document in Document::of(workspace, &plan.name)? {
                undo.writes(&document.file, &document.text)?;
            }
        }
        let map = DataMap::read(workspace)?.papers(workspace)?;
        let catalogue = Catalogue::read(workspace)?.papers(workspace)?;
        for paper in map.into_iter().chain(catalogue) {
            undo.writes(&paper.file, &paper.text)?;
        }
        Ok(())
    })();
    if outcome.is_err() {
        undo.everything();
    }
    outcome
}

/// The files that are made from the services, relative to the root.
pub(super) fn derived(workspace: &Workspace, plan: &Plan) -> Result<Vec<PathBuf>> {
    let graph = Graph::file(workspace);
    let offered = plan.layer == Layer::Experience;
    let document = offered.then(|| file(workspace, &plan.name, VERSION));
    let catalogue = offered.then(|| catalogue::files(workspace));
    let made = document.into_iter().chain(catalogue.into_iter().flatten());
    let mut files = vec![LOCK.into()];
    let map = data_map::files(workspace);
    for file in [graph].into_iter().chain(made).chain(map) {
        files.push(file.strip_prefix(workspace.root())?.to_owned());
    }
    Ok(files)
}

/// Lets cargo take up the new packages. What it needs is in the lock file already: it asks nobody.
fn lock(root: &Path) -> Result<()> {
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["update", "--workspace", "--offline", "--quiet"])
        .current_dir(root)
        .stdin(Stdio::null())
        .output()
        .context("cargo cannot be started: install it and set PATH")?;
    ensure!(
        output.status.success(),
        "cargo cannot take up the new packages ({}): {}",
        output.status,
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(())
}

/// What was done, and how to undo it.
#[derive(Default)]
struct Undo {
    moved: Vec<PathBuf>,
    /// Each file, and what it held if it was there.
    kept: Vec<(PathBuf, Option<Vec<u8>>)>,
}

impl Undo {
    fn moves(&mut self, from: PathBuf, to: PathBuf) -> Result<()> {
        let moved = to
            .parent()
            .map_or(Ok(()), fs::create_dir_all)
            .and_then(|()| fs::rename(from, &to));
        moved.with_context(|| format!("{} cannot be made", to.display()))?;
        self.moved.push(to);
        Ok(())
    }

    fn writes(&mut self, file: &Path, text: &str) -> Result<()> {
        self.keeps(file)?;
        write(file, text.as_bytes())
            .with_context(|| format!("{} cannot be written", file.display()))
    }

    fn keeps(&mut self, file: &Path) -> Result<()> {
        let held = match fs::read(file) {
            Ok(bytes) => Some(bytes),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => {
                return Err(error).with_context(|| format!("{} cannot be read", file.display()));
            }
        };
        self.kept.push((file.to_owned(), held));
        Ok(())
    }

    /// Does what can be done; the error that led here is the one to show.
    fn everything(self) {
        for folder in self.moved {
            let _ignored = fs::remove_dir_all(folder);
        }
        for (file, held) in self.kept {
            let _ignored = match held {
                Some(bytes) => write(&file, &bytes),
                None => fs::remove_file(file),
            };
        }
    }
}

/// Replaces a file as a whole, so that no reader ever sees half of it.
fn write(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let new = tempfile::NamedTempFile::new_in(folder)?;
    fs::write(&new, bytes)?;
    new.persist(file)?;
    Ok(())
}
