//! Turns a contract folder into Rust, at build time. A contract's `build.rs` calls [`contract`]:
//!
//! 1. `contracts` finds every contract by where it lies, `folder` what lies there;
//! 2. `compile` compiles the protos to descriptors that keep every annotation;
//! 3. `options` reads the annotations, `limits` how much a field may hold, `route` the HTTP routes,
//!    `classification` what labels are read with, `labels` the most a message can hold;
//! 4. `checks` finds everything that breaks a rule in the contract itself, `claims` and `lineage` what
//!    breaks one towards others, and the build stops there if it must;
//! 5. `openapi` makes the document of each version of an Experience contract;
//! 6. `generate` writes `contract.rs`.
//!
//! [`openapi`] makes the documents alone, for who commits or compares it; [`policy_schema`] says what
//! policies may speak of; [`check`] checks all contracts; [`clearances`] says what who calls a method
//! must be cleared for; [`read`] gives what the annotations say,
//! for who reports on the estate.

mod audit;
mod check;
mod checks;
mod claims;
mod classification;
mod comments;
mod compile;
mod contracts;
mod deprecation;
mod finding;
mod folder;
mod generate;
mod labels;
mod limits;
mod lineage;
pub mod model;
mod nearest;
mod openapi;
mod options;
mod passed;
mod policy;
mod route;

use std::{
    collections::BTreeMap,
    env, fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use strata_core::Label;

use crate::{
    check::Checked,
    classification::Classification,
    compile::Contract,
    contracts::Contracts,
    folder::Folder,
    model::{Combination, Model},
};
pub use crate::{check::Report, finding::Finding, labels::annotation, openapi::Document};

/// Generates the contract whose `build.rs` calls this, into `$OUT_DIR/contract.rs`. What is wrong
/// with it is said as one cargo error per finding.
#[must_use]
pub fn contract() -> ExitCode {
    let findings = match (env::var_os("CARGO_MANIFEST_DIR"), env::var_os("OUT_DIR")) {
        (Some(folder), Some(out)) => build(Path::new(&folder), &PathBuf::from(out)),
        _ => Err(vec![Finding::new("build.rs", "", "runs under cargo only")]),
    };
    let mut lines = io::stdout().lock();
    let Err(findings) = findings else {
        return ExitCode::SUCCESS;
    };
    for finding in findings {
        // Nobody is left to tell when cargo has closed the pipe.
        let _ = writeln!(lines, "cargo::error={finding}");
    }
    ExitCode::FAILURE
}

/// Checks every contract below `root` (`proto`), except for those that passed before and are as they
/// were. Which these are is kept in the file `memory`: it only saves time, and may go at any time.
#[must_use]
pub fn check(root: &Path, memory: &Path) -> Report {
    check::all(root, memory)
}

/// The OpenAPI documents of the contract in `folder` (`proto/<layer>/<name>`), one for each version,
/// oldest first. None for a contract without routes. Which rules the contract breaks is [`check`]'s to
/// say.
///
/// # Errors
/// Why there can be no document.
pub fn openapi(folder: &Path) -> Result<Vec<Document>, Finding> {
    openapi::all(&compiled(folder)?)
}

/// What policies of the contract in `folder` (`proto/<layer>/<name>`) may speak of: a Cedar schema, of its
/// newest version, or of all versions of an Experience API.
///
/// # Errors
/// Why the contract cannot be read.
pub fn policy_schema(folder: &Path) -> Result<Option<String>, Finding> {
    let contract = Folder::locate(folder).and_then(Contract::compile)?;
    let Some(newest) = contract.versions.last() else {
        return Ok(None);
    };
    let service = newest.services().next();
    Ok(service.map(|service| policy::schema(&contract, newest, &service)))
}

/// What the contract in `folder` (`proto/<layer>/<name>`) says of what it moves and stores. Which rules
/// it breaks is [`check`]'s to say.
///
/// # Errors
/// Why it cannot be read.
pub fn read(folder: &Path) -> Result<Model, Finding> {
    compiled(folder).map(|contract| model::of(&contract))
}

/// What kinds of value amount to together, as `classification.toml` in `folder` (`proto`) says.
///
/// # Errors
/// What is wrong with the file.
pub fn combinations(folder: &Path) -> Result<Vec<Combination>, Finding> {
    Classification::read(folder).map(|classification| model::combinations(&classification))
}

fn compiled(folder: &Path) -> Result<Contract, Finding> {
    Folder::locate(folder).and_then(Contract::compile)
}

/// What who calls a method must be cleared for, by the method's name: its ceiling, and what its request
/// can hold. Of all versions of the contract in `folder`, the highest.
///
/// # Errors
/// Why the contract cannot be read.
pub fn clearances(folder: &Path) -> Result<BTreeMap<String, Label>, Finding> {
    let contract = compiled(folder)?;
    let mut clearances = BTreeMap::<_, Label>::new();
    for service in contract
        .versions
        .iter()
        .flat_map(|version| version.services())
    {
        for method in service.methods() {
            let ceiling = contract.options.method(&method).ceiling.unwrap_or_default();
            let (options, classification) = (&contract.options, &contract.classification);
            let sent = labels::of_message(options, classification, &method.input());
            let highest = clearances.entry(method.name().to_owned()).or_default();
            *highest = highest.join(ceiling.read()).join(sent);
        }
    }
    Ok(clearances)
}

/// A contract among the others.
struct Located {
    contracts: Contracts,
    folder: Folder,
}

impl Located {
    fn at(path: &Path) -> Result<Self, Vec<Finding>> {
        let found = Folder::locate(path).and_then(|folder| {
            let contracts = Contracts::below(folder.root())?;
            Ok(Self { contracts, folder })
        });
        found.map_err(|finding| vec![finding])
    }

    fn check(&self) -> Checked {
        check::one(&self.contracts, &self.folder.id())
    }

    /// The contract, if nothing is wrong with it.
    fn passed(self, checked: Checked) -> Result<Contract, Vec<Finding>> {
        if !checked.findings.is_empty() {
            return Err(checked.findings);
        }
        let contract = self.contracts.take(&self.folder.id());
        contract.map_err(|finding| vec![finding])
    }
}

fn build(manifest: &Path, out: &Path) -> Result<(), Vec<Finding>> {
    let located = Located::at(manifest)?;
    let id = located.folder.id();
    let root = located.folder.root();
    let mut watched = vec![
        located.folder.path().to_owned(),
        located.folder.options(),
        root.join(classification::FILE),
        located.contracts.manifest(&id),
    ];
    let checked = located.check();
    let sources = checked.sources.iter();
    watched.extend(sources.map(|source| located.contracts.folder(source)));
    let mut lines = io::stdout().lock();
    // Cargo would run the script each time for a file that is not there.
    for watched in watched.iter().filter(|watched| watched.exists()) {
        let _ = writeln!(lines, "cargo::rerun-if-changed={}", watched.display());
    }
    drop(lines);
    let contract = located.passed(checked)?;
    let code = generate::contract(&contract).map_err(|finding| vec![finding])?;
    let target = out.join("contract.rs");
    fs::write(&target, code).map_err(|error| {
        vec![Finding::new(
            &target.display().to_string(),
            "",
            format!("cannot be written: {error}"),
        )]
    })
}
