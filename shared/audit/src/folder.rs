//! The files of a trail, in their order: each is named by the number of its first entry.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

/// What the names of a trail's files end in.
pub(crate) const TRAIL: &str = "trail";
/// What the names of checkpoint files end in.
pub(crate) const CHECKPOINTS: &str = "checkpoints";

/// A file of a trail or of its checkpoints.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Numbered {
    /// The first number in it.
    pub first: u64,
    /// Its name, without the folder.
    pub name: String,
}

/// The name of the file that begins with entry `first`. Names sort as their numbers do.
pub(crate) fn name(first: u64, extension: &str) -> String {
    format!("{first:020}.{extension}")
}

/// The files of a kind, in their order. What has another name is passed over.
pub(crate) fn files(folder: &Path, extension: &str) -> io::Result<Vec<Numbered>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let Ok(name) = entry?.file_name().into_string() else {
            continue;
        };
        let number = name
            .strip_suffix(extension)
            .and_then(|rest| rest.strip_suffix('.'));
        if let Some(first) = number.and_then(|number| number.parse().ok()) {
            files.push(Numbered { first, name });
        }
    }
    files.sort();
    Ok(files)
}

/// Makes a new file, there after a crash too. An empty one may be left of a try that failed.
pub(crate) fn create(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    let file = options.append(true).create(true).mode(0o600).open(path)?;
    if file.metadata()?.len() != 0 {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    sync_folder(path)?;
    Ok(file)
}

/// Makes what was created or removed beside `path` last.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path
        .parent()
        .map_or_else(|| PathBuf::from("."), Path::to_owned);
    File::open(folder)?.sync_all()
}
