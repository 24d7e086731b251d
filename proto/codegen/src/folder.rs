//! Where a contract lies, which says what it is: `proto/<layer>/<name>/v<N>/*.proto`.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

use strata_core::Layer;

use crate::finding::Finding;

/// Which contract.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ContractId {
    /// The layer, by the parent folder's name.
    pub(crate) layer: Layer,
    /// The service, by the folder's name.
    pub(crate) service: String,
}

impl ContractId {
    /// What its packages start with: `system.price_list`.
    pub(crate) fn package(&self) -> String {
        format!("{}.{}", self.layer, self.service.replace('-', "_"))
    }
}

impl fmt::Display for ContractId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.layer, self.service)
    }
}

/// A contract's folder.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    /// The layer, by the parent folder's name.
    pub(crate) layer: Layer,
    /// The service, by the folder's name.
    pub(crate) name: String,
    /// The protos, as imported (`system/customers/v1/customers.proto`), by version (`v1`), oldest
    /// first.
    pub(crate) versions: Vec<(String, Vec<String>)>,
    path: PathBuf,
    root: PathBuf,
}

impl Folder {
    /// Reads the folder at `path`.
    pub(crate) fn locate(path: &Path) -> Result<Self, Finding> {
        let place = path.display().to_string();
        let misplaced = || {
            Finding::new(
                &place,
                "",
                "is no contract folder: use proto/<layer>/<name>",
            )
        };
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .ok_or_else(misplaced)?;
        let parent = path.parent().ok_or_else(misplaced)?;
        let root = parent.parent().ok_or_else(misplaced)?;
        let layer = parent
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        let layer: Layer = layer.parse().map_err(|_| misplaced())?;

        let unreadable =
            |error: io::Error| Finding::new(&place, "", format!("cannot be read: {error}"));
        let mut folders = names(path).map_err(unreadable)?;
        folders.retain(|name| number(name).is_some());
        // v10 comes after v9.
        folders.sort_by_key(|name| number(name));
        let mut versions = Vec::new();
        for version in folders {
            let protos: Vec<_> = names(&path.join(&version))
                .map_err(unreadable)?
                .into_iter()
                .filter(|file| file.ends_with(".proto"))
                .map(|file| format!("{layer}/{name}/{version}/{file}"))
                .collect();
            if !protos.is_empty() {
                versions.push((version, protos));
            }
        }
        if versions.is_empty() {
            return Err(Finding::new(
                &place,
                "",
                "holds no proto: put the contract in v1/*.proto",
            ));
        }
        Ok(Self {
            layer,
            name: name.to_owned(),
            versions,
            path: path.to_owned(),
            root: root.to_owned(),
        })
    }

    /// Which contract it holds.
    pub(crate) fn id(&self) -> ContractId {
        ContractId {
            layer: self.layer,
            service: self.name.clone(),
        }
    }

    /// The folder itself.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The folder every import path starts from.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Where the annotations are declared.
    pub(crate) fn options(&self) -> PathBuf {
        self.root.join("options")
    }

    /// The package a version's protos must declare.
    pub(crate) fn package(&self, version: &str) -> String {
        format!("{}.{version}", self.id().package())
    }
}

/// The names of what a folder holds, sorted so that output never depends on the file system.
pub(crate) fn names(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        names.extend(entry?.file_name().into_string());
    }
    names.sort_unstable();
    Ok(names)
}

/// The number of a version by its folder's name; none when that is no version's.
pub(crate) fn number(name: &str) -> Option<u16> {
    let number: u16 = name.strip_prefix('v')?.parse().ok()?;
    (number > 0 && name == format!("v{number}")).then_some(number)
}
