//! The repository as Cargo and the file system show it, read once.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package, PackageId};
use strata_core::Layer;
use strata_estate::Workspace;

/// The root folder.
pub(crate) static ROOT: LazyLock<PathBuf> =
    LazyLock::new(|| Workspace::find().unwrap().root().to_owned());

/// Every package, and what each resolves to on this platform.
pub(crate) static METADATA: LazyLock<Metadata> = LazyLock::new(|| {
    let host = Command::new("rustc")
        .args(["--print", "host-tuple"])
        .output()
        .unwrap();
    let host = String::from_utf8(host.stdout).unwrap();
    MetadataCommand::new()
        .manifest_path(ROOT.join("Cargo.toml"))
        .other_options(vec!["--filter-platform".to_owned(), host.trim().to_owned()])
        .exec()
        .unwrap()
});

/// A service: a folder with a package in the folder of a layer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Service {
    pub(crate) layer: Layer,
    pub(crate) name: String,
    pub(crate) folder: PathBuf,
}

impl Service {
    /// `<layer>-<name>`, which is also its package.
    pub(crate) fn id(&self) -> String {
        format!("{}-{}", self.layer, self.name)
    }

    pub(crate) fn package(&self) -> &'static Package {
        METADATA
            .workspace_packages()
            .into_iter()
            .find(|package| package.name.as_str() == self.id())
            .unwrap_or_else(|| panic!("no package is called {}", self.id()))
    }

    /// Its sources, by path within src/.
    pub(crate) fn sources(&self) -> BTreeMap<PathBuf, String> {
        let source = self.folder.join("src");
        let files = walkdir::WalkDir::new(&source).into_iter();
        files
            .map(|entry| entry.unwrap().into_path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
            .map(|path| (path.strip_prefix(&source).unwrap().to_owned(), read(&path)))
            .collect()
    }
}

/// Every service folder.
pub(crate) fn services() -> Vec<Service> {
    let mut services = Vec::new();
    for layer in Layer::ALL {
        for entry in fs::read_dir(ROOT.join(format!("{layer}-api"))).unwrap() {
            let folder = entry.unwrap().path();
            if folder.join("Cargo.toml").is_file() {
                let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
                services.push(Service {
                    layer,
                    name,
                    folder,
                });
            }
        }
    }
    services.sort();
    assert!(!services.is_empty(), "there is no service");
    services
}

pub(crate) fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

pub(crate) fn toml(file: &Path) -> toml::Table {
    let text = read(file);
    text.parse()
        .unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// The names of all crates in the dependency tree of a package, tests left out.
pub(crate) fn tree(package: &PackageId) -> BTreeSet<String> {
    let resolve = METADATA.resolve.as_ref().unwrap();
    let mut seen = BTreeSet::new();
    let mut open = vec![package];
    while let Some(id) = open.pop() {
        if !seen.insert(id) {
            continue;
        }
        let node = resolve.nodes.iter().find(|node| node.id == *id).unwrap();
        let shipped = node.deps.iter().filter(|dependency| {
            let mut kinds = dependency.dep_kinds.iter();
            kinds.any(|kind| kind.kind != DependencyKind::Development)
        });
        open.extend(shipped.map(|dependency| &dependency.pkg));
    }
    seen.into_iter()
        .map(|id| METADATA[id].name.to_string())
        .collect()
}

/// For every crate, the crates that depend on it by themselves, in whatever way.
pub(crate) fn dependents() -> BTreeMap<String, BTreeSet<String>> {
    let mut dependents: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for node in &METADATA.resolve.as_ref().unwrap().nodes {
        for dependency in &node.deps {
            dependents
                .entry(METADATA[&dependency.pkg].name.to_string())
                .or_default()
                .insert(METADATA[&node.id].name.to_string());
        }
    }
    dependents
}
