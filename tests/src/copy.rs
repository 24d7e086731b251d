//! A copy of the repository that a test may change.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use strata_estate::Workspace;
use walkdir::{DirEntry, WalkDir};

/// A copy of `original` at `root`. What is there already stays when it is the same: then cargo, which
/// goes by the time of a file, builds only what is new.
///
/// # Errors
/// When a file cannot be read or written.
pub fn copy_of(original: &Workspace, root: &Path) -> Result<Workspace> {
    let wanted = files(original.root())?;
    for stale in files(root)?.keys() {
        if wanted.contains_key(stale) {
            continue;
        }
        fs::remove_file(root.join(stale))?;
        // Its folders, as far as they are empty now.
        let mut folders = stale.ancestors().skip(1);
        while folders
            .next()
            .is_some_and(|folder| fs::remove_dir(root.join(folder)).is_ok())
        {}
    }
    for (file, content) in wanted {
        let target = root.join(&file);
        if fs::read(&target).is_ok_and(|present| present == content) {
            continue;
        }
        let folder = target.parent().context("a file is in a folder")?;
        fs::create_dir_all(folder)?;
        // With its permissions: some of the files are programs.
        fs::copy(original.root().join(&file), target)?;
    }
    Ok(Workspace::at(root))
}

/// Every file of a repository below `root` and what it holds: neither git's nor cargo's, nor what the
/// tools keep.
///
/// # Errors
/// When a file cannot be read.
pub fn files(root: &Path) -> Result<BTreeMap<PathBuf, Vec<u8>>> {
    let left_out = [".git", "target", ".strata/state"].map(|folder| root.join(folder));
    let belongs = |entry: &DirEntry| !left_out.iter().any(|folder| folder == entry.path());
    let entries = WalkDir::new(root).into_iter().filter_entry(belongs);
    entries
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| {
            let file = entry.path().strip_prefix(root)?.to_owned();
            Ok((file, fs::read(entry.path())?))
        })
        .collect()
}
