//! Turns a contract folder into Rust, at build time. A contract's `build.rs` calls [`contract`]:
//!
//! 1. `folder` finds the contract: its layer, its name and its protos, by where it lies;
//! 2. `compile` compiles the protos to descriptors that keep every annotation;
//! 3. `options` reads the annotations, `limits` how much a field may hold, `route` the HTTP routes;
//! 4. `checks` finds everything that breaks a rule, and the build stops there if it must;
//! 5. `openapi` makes the document of an Experience contract;
//! 6. `generate` writes `contract.rs`.
//!
//! [`openapi`] makes the document alone, for who commits or compares it. [`read`] gives what the
//! annotations say, for who reports on the estate.

mod checks;
mod classification;
mod comments;
mod compile;
mod finding;
mod folder;
mod generate;
mod labels;
mod limits;
pub mod model;
mod openapi;
mod options;
mod route;

use std::{
    env, fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use crate::{
    classification::Classification,
    compile::Contract,
    finding::Finding,
    folder::Folder,
    model::{Combination, Model},
};

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

/// The OpenAPI document of the contract in `folder` (`proto/<layer>/<name>`), newest version, as it is
/// committed: indented, with a line break at its end. None for a contract without routes.
///
/// # Errors
/// What is wrong with the contract, a sentence for each finding.
pub fn openapi(folder: &Path) -> Result<Option<String>, Vec<String>> {
    let contract = checked(folder).map_err(|findings| told(&findings))?;
    let document = openapi::newest(&contract).map_err(|finding| told(&[finding]))?;
    Ok(document.map(|document| format!("{document:#}\n")))
}

/// What the contract in `folder` (`proto/<layer>/<name>`) says of what it moves and stores.
///
/// # Errors
/// What is wrong with the contract, a sentence for each finding.
pub fn read(folder: &Path) -> Result<Model, Vec<String>> {
    checked(folder)
        .map(|contract| model::of(&contract))
        .map_err(|findings| told(&findings))
}

/// What kinds of value amount to together, as `classification.toml` in `folder` (`proto`) says.
///
/// # Errors
/// What is wrong with the file.
pub fn combinations(folder: &Path) -> Result<Vec<Combination>, Vec<String>> {
    Classification::read(folder)
        .map(|classification| model::combinations(&classification))
        .map_err(|finding| told(&[finding]))
}

fn told(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(Finding::to_string).collect()
}

fn checked(folder: &Path) -> Result<Contract, Vec<Finding>> {
    let compiled = Folder::locate(folder).and_then(Contract::compile);
    let contract = compiled.map_err(|finding| vec![finding])?;
    let findings = checks::all(&contract);
    if findings.is_empty() {
        Ok(contract)
    } else {
        Err(findings)
    }
}

fn build(manifest: &Path, out: &Path) -> Result<(), Vec<Finding>> {
    let folder = Folder::locate(manifest).map_err(|finding| vec![finding])?;
    let mut lines = io::stdout().lock();
    let classification = folder.root().join(classification::FILE);
    for watched in [folder.path(), &folder.options(), &classification] {
        let _ = writeln!(lines, "cargo::rerun-if-changed={}", watched.display());
    }
    drop(lines);
    let contract = checked(manifest)?;
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
