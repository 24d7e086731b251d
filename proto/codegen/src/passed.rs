//! Which contracts passed the checks, and as what. It only saves time: nothing trusts it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use walkdir::WalkDir;

use crate::{classification, contracts::Contracts, folder::ContractId};

/// The contracts that passed, and what all are made of now.
pub(crate) struct Passed {
    passed: BTreeMap<String, Pass>,
    /// The SHA-256 of each contract's files and its service's calls.
    now: BTreeMap<String, String>,
    /// That of what every contract is read with.
    common: String,
}

/// One contract that passed.
#[derive(Serialize, Deserialize)]
struct Pass {
    /// SHA-256 over all that was read.
    digest: String,
    /// The contracts that were read.
    sources: Vec<String>,
}

impl Passed {
    /// Reads `memory`. One that is missing or broken says that none passed.
    pub(crate) fn read(memory: &Path, contracts: &Contracts) -> Self {
        let text = fs::read_to_string(memory).unwrap_or_default();
        let mut passed: BTreeMap<String, Pass> = serde_json::from_str(&text).unwrap_or_default();
        let now: BTreeMap<_, _> = contracts
            .ids()
            .filter_map(|id| {
                let files = [contracts.folder(id), contracts.manifest(id)];
                let digest = digest(contracts.root(), files.iter().map(PathBuf::as_path)).ok()?;
                Some((id.to_string(), digest))
            })
            .collect();
        passed.retain(|id, _| now.contains_key(id));
        let root = contracts.root();
        let common = [root.join("options"), root.join(classification::FILE)];
        // Another build of this may know other rules.
        let rules = std::env::current_exe()
            .and_then(fs::metadata)
            .map(|rules| format!("{:?} {}", rules.modified().ok(), rules.len()));
        let common = digest(root, common.iter().map(PathBuf::as_path));
        let common = format!("{rules:?} {common:?}");
        Self {
            passed,
            now,
            common,
        }
    }

    /// Whether the contract passed as it is now.
    pub(crate) fn holds(&self, id: &ContractId) -> bool {
        let id = id.to_string();
        let holds = |pass: &Pass| Some(&pass.digest) == self.digest(&id, &pass.sources).as_ref();
        self.passed.get(&id).is_some_and(holds)
    }

    /// The contract passes, made from these.
    pub(crate) fn add(&mut self, id: &ContractId, sources: &BTreeSet<ContractId>) {
        let id = id.to_string();
        let sources: Vec<_> = sources.iter().map(ToString::to_string).collect();
        if let Some(digest) = self.digest(&id, &sources) {
            self.passed.insert(id, Pass { digest, sources });
        }
    }

    /// The contract does not pass.
    pub(crate) fn remove(&mut self, id: &ContractId) {
        self.passed.remove(&id.to_string());
    }

    /// Writes `memory`.
    pub(crate) fn write(&self, memory: &Path) -> io::Result<()> {
        if let Some(folder) = memory.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(memory, serde_json::to_vec_pretty(&self.passed)?)
    }

    fn digest(&self, id: &String, sources: &[String]) -> Option<String> {
        let mut hash = Sha256::new();
        hash.update(&self.common);
        for id in [id].into_iter().chain(sources) {
            hash.update(format!("\n{id} {}", self.now.get(id)?));
        }
        Some(format!("{:x}", hash.finalize()))
    }
}

/// The SHA-256 of the files in these folders, by name and content. What is not there has none.
fn digest<'a>(root: &Path, paths: impl Iterator<Item = &'a Path>) -> io::Result<String> {
    let mut hash = Sha256::new();
    for path in paths.filter(|path| path.exists()) {
        for entry in WalkDir::new(path).sort_by_file_name() {
            let entry = entry?;
            if entry.file_type().is_dir() {
                continue;
            }
            let name = entry.path().strip_prefix(root).unwrap_or(entry.path());
            let content = fs::read(entry.path())?;
            hash.update(format!("{} {}\n", name.display(), content.len()));
            hash.update(content);
        }
    }
    Ok(format!("{:x}", hash.finalize()))
}
