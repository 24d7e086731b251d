//! All contracts of an estate, by where they lie. Each is compiled when it is first asked for, once.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use strata_core::Layer;

use crate::{
    compile::Contract,
    finding::Finding,
    folder::{self, ContractId, Folder},
};

/// The contracts below one folder.
pub(crate) struct Contracts {
    root: PathBuf,
    contracts: BTreeMap<ContractId, OnceLock<Result<Contract, Finding>>>,
    /// Whose a package is, by its first two parts. One contract each, unless folders differ only in
    /// what a package cannot say.
    packages: BTreeMap<String, Vec<ContractId>>,
}

impl Contracts {
    /// Those in `<root>/<layer>/<name>`.
    pub(crate) fn below(root: &Path) -> Result<Self, Finding> {
        let mut contracts = BTreeMap::new();
        let mut packages = BTreeMap::<_, Vec<_>>::new();
        for layer in Layer::ALL {
            let folder = root.join(layer.as_str());
            if !folder.is_dir() {
                continue;
            }
            let names = folder::names(&folder).map_err(|error| {
                let problem = format!("cannot be read: {error}");
                Finding::new(&folder.display().to_string(), "", problem)
            })?;
            for service in names {
                if folder.join(&service).is_dir() {
                    let id = ContractId { layer, service };
                    packages.entry(id.package()).or_default().push(id.clone());
                    contracts.insert(id, OnceLock::new());
                }
            }
        }
        Ok(Self {
            root: root.to_owned(),
            contracts,
            packages,
        })
    }

    /// The folder they are below.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Every contract, the lowest layer first, then by name.
    pub(crate) fn ids(&self) -> impl Iterator<Item = &ContractId> {
        self.contracts.keys()
    }

    /// The contract, or why it cannot be read; none when there is no such folder.
    pub(crate) fn get(&self, id: &ContractId) -> Option<&Result<Contract, Finding>> {
        let contract = self.contracts.get(id)?;
        Some(contract.get_or_init(|| Folder::locate(&self.folder(id)).and_then(Contract::compile)))
    }

    /// The same, for good.
    pub(crate) fn take(mut self, id: &ContractId) -> Result<Contract, Finding> {
        let misplaced = || {
            Finding::new(
                &id.to_string(),
                "",
                "is no contract: use proto/<layer>/<name>",
            )
        };
        self.get(id).ok_or_else(misplaced)?;
        let contract = self.contracts.remove(id).and_then(OnceLock::into_inner);
        contract.ok_or_else(misplaced)?
    }

    /// The contracts whose packages start so: `system.price_list`.
    pub(crate) fn of_package(&self, package: &str) -> &[ContractId] {
        self.packages.get(package).map_or(&[], Vec::as_slice)
    }

    /// Where a contract lies.
    pub(crate) fn folder(&self, id: &ContractId) -> PathBuf {
        self.root.join(id.layer.as_str()).join(&id.service)
    }

    /// What the contract's service says of itself; it may not be there.
    pub(crate) fn manifest(&self, id: &ContractId) -> PathBuf {
        let estate = self.root.parent().unwrap_or(&self.root);
        let services = estate.join(format!("{}-api", id.layer));
        services.join(&id.service).join("service.toml")
    }
}
