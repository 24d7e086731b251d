//! The repository as the tools see it: its root and its service folders.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use strata_config::{Environment, Manifest};
use strata_core::Layer;
use strata_policy::CallersFile;

/// What marks the root: the one file that names the estate.
const MARK: &str = "shared/config/estate.toml";

/// A checked-out estate.
#[derive(Clone, Debug)]
pub struct Workspace {
    root: PathBuf,
}

/// One service: its folder and what it says of itself.
#[derive(Clone, Debug)]
pub struct ServiceFolder {
    /// `service.toml`.
    pub manifest: Manifest,
    /// `<root>/<layer>-api/<name>`.
    pub folder: PathBuf,
    /// Name of its package and binary, `<layer>-<name>`.
    pub binary: String,
}

impl Workspace {
    /// The estate the current directory is in.
    ///
    /// # Errors
    /// When neither it nor any folder above it is the root of an estate.
    pub fn find() -> Result<Self> {
        let start = std::env::current_dir().context("the current directory cannot be read")?;
        let root = start
            .ancestors()
            .find(|folder| folder.join(MARK).is_file())
            .with_context(|| {
                format!(
                    "{} is in no estate: go to a folder that holds {MARK}",
                    start.display()
                )
            })?;
        Ok(Self::at(root))
    }

    /// The estate whose root is `root`.
    #[must_use]
    pub fn at(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
        }
    }

    /// The root folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder of a layer's services.
    #[must_use]
    pub fn layer_folder(&self, layer: Layer) -> PathBuf {
        self.root.join(format!("{layer}-api"))
    }

    /// What the tools keep for one environment: never committed.
    #[must_use]
    pub fn state(&self, environment: Environment) -> PathBuf {
        self.root
            .join(".strata")
            .join("state")
            .join(environment.as_str())
    }

    /// Every service, callees before their callers, then by name: the order to start them in.
    ///
    /// # Errors
    /// When a `service.toml` is missing, wrong, or not of the folder it lies in.
    pub fn services(&self) -> Result<Vec<ServiceFolder>> {
        let mut services = Vec::new();
        for layer in Layer::ALL {
            for folder in self.service_folders(layer)? {
                services.push(ServiceFolder::read(layer, folder)?);
            }
        }
        Ok(services)
    }

    fn service_folders(&self, layer: Layer) -> Result<Vec<PathBuf>> {
        let folder = self.layer_folder(layer);
        let entries = fs::read_dir(&folder)
            .with_context(|| format!("{} cannot be read", folder.display()))?;
        let mut folders = Vec::new();
        for entry in entries {
            let path = entry
                .with_context(|| format!("{} cannot be read", folder.display()))?
                .path();
            if path.join("Cargo.toml").is_file() {
                folders.push(path);
            }
        }
        folders.sort();
        Ok(folders)
    }
}

impl ServiceFolder {
    fn read(layer: Layer, folder: PathBuf) -> Result<Self> {
        let file = folder.join("service.toml");
        let text = fs::read_to_string(&file).with_context(|| {
            format!(
                "{} cannot be read: every service says there what it is",
                file.display()
            )
        })?;
        let manifest = Manifest::parse(&text, &file)?;
        ensure!(
            manifest.layer == layer,
            "{} says layer {}, but lies in {layer}-api: the folder is the layer",
            file.display(),
            manifest.layer
        );
        ensure!(
            folder
                .file_name()
                .is_some_and(|name| name == manifest.name.as_str()),
            "{} says name {}, but its folder is called otherwise: make them agree",
            file.display(),
            manifest.name
        );
        let binary = format!("{layer}-{}", manifest.name);
        Ok(Self {
            manifest,
            folder,
            binary,
        })
    }

    /// `policy/callers.toml`: who may call it.
    #[must_use]
    pub fn callers_file(&self) -> PathBuf {
        self.folder.join("policy").join("callers.toml")
    }

    /// The layers of which an exemption lets it call a service, or one of which an exemption lets call it.
    /// Over or not: until somebody takes it away, the service knows of it.
    ///
    /// # Errors
    /// When `policy/callers.toml` has a mistake.
    pub fn exempted(&self) -> Result<Vec<Layer>> {
        let callers = CallersFile::load(&self.callers_file(), self.manifest.layer)?;
        let callers = callers.exempted().map(|(caller, _)| caller.layer);
        let callees = self.manifest.exemptions.iter().map(|callee| callee.layer);
        Ok(BTreeSet::from_iter(callers.chain(callees))
            .into_iter()
            .collect())
    }

    /// `service.toml`.
    #[must_use]
    pub fn manifest_file(&self) -> PathBuf {
        self.folder.join("service.toml")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A workspace of one service, `system-api/ledger`, whose service.toml is `manifest`.
    fn services(manifest: &str) -> Result<Vec<ServiceFolder>> {
        let root = tempfile::tempdir()?;
        for layer in Layer::ALL {
            fs::create_dir(root.path().join(format!("{layer}-api")))?;
        }
        let folder = root.path().join("system-api/ledger");
        fs::create_dir(&folder)?;
        fs::write(folder.join("Cargo.toml"), "")?;
        fs::write(folder.join("service.toml"), manifest)?;
        Workspace::at(root.path()).services()
    }

    #[test]
    fn the_folder_is_the_layer_and_the_name() {
        let manifest = "name = \"ledger\"\nlayer = \"system\"\nowner = \"team\"\n\
            description = \"A sample.\"\n";
        let found = services(manifest).unwrap();
        assert_eq!(found.first().unwrap().binary, "system-ledger");

        let error = |text: String| services(&text).unwrap_err().to_string();
        let layer = error(manifest.replace("\"system\"", "\"process\""));
        assert!(
            layer.contains("says layer process, but lies in system-api"),
            "{layer}"
        );
        let name = error(manifest.replace("ledger", "leger"));
        assert!(name.contains("says name leger"), "{name}");
    }
}
