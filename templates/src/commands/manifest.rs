//! `manifest`: which files came with the template, by digest, and which are no longer as they came.
//! What takes a newer template starts from here: a file that is as it came can be replaced, one that
//! has changed must be merged.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};
use strata_estate::Workspace;
use walkdir::WalkDir;

use crate::{cli::Format, digest, output};

/// What the template brings: folders with all they hold, and single files.
const FRAMEWORK: [&str; 16] = [
    ".cargo",
    ".ci",
    ".gitignore",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "Cargo.toml",
    "SECURITY.md",
    "clippy.toml",
    "deny.toml",
    "proto/codegen",
    "proto/options",
    "rust-toolchain.toml",
    "rustfmt.toml",
    "shared",
    "templates",
    "tests",
];

/// Among them, the one file that is the organisation's own from the first day.
const OWN: &str = "shared/config/estate.toml";

const HEADER: &str = "\
# The framework files of this template version, each by its SHA-256. The services, their contracts
# and shared/config/estate.toml are the organisation's own and not listed.
# Written by `cargo strata manifest --write`; `cargo strata manifest` says which files differ.
";

/// Say which files of the template have changed since it was taken
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  cargo strata manifest\n  cargo strata manifest --write")]
pub(crate) struct Args {
    /// Write .strata/manifest.toml instead of comparing with it
    #[arg(long)]
    write: bool,
    /// Print text for people, or JSON
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// The document.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    /// The version of the template.
    template: String,
    /// SHA-256 in hexadecimal, by path from the root.
    files: BTreeMap<String, String>,
}

/// How a file is no longer as it came.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "lowercase")]
enum Change {
    Added,
    Changed,
    Removed,
}

#[derive(Serialize)]
struct Difference {
    file: String,
    change: Change,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let workspace = Workspace::find()?;
    let file = workspace.root().join(".strata").join("manifest.toml");
    let now = Manifest::of(workspace.root())?;
    if args.write {
        return now.write(&file);
    }
    let differences = Manifest::read(&file)?.differences(&now);
    if args.format == Format::Json {
        output::pretty_json(&differences)?;
    } else {
        for Difference { file, change } in &differences {
            let change = match change {
                Change::Added => "added",
                Change::Changed => "changed",
                Change::Removed => "removed",
            };
            output::line(&format!("{change:8}{file}"))?;
        }
    }
    match differences.len() {
        0 if args.format == Format::Text => output::line("nothing differs"),
        0 => Ok(()),
        count => bail!(
            "{count} of the template's files are not as .strata/manifest.toml has them: keep what \
             is meant, restore what is not"
        ),
    }
}

impl Manifest {
    /// What is there now.
    fn of(root: &Path) -> Result<Self> {
        let mut files = BTreeMap::new();
        for file in framework_files(root)? {
            let content = fs::read(root.join(&file))
                .with_context(|| format!("{} cannot be read", file.display()))?;
            let name = file
                .to_str()
                .with_context(|| format!("{} is not UTF-8: rename it", file.display()))?;
            files.insert(name.to_owned(), digest::of(content));
        }
        Ok(Self {
            template: env!("CARGO_PKG_VERSION").to_owned(),
            files,
        })
    }

    fn read(file: &Path) -> Result<Self> {
        let text = fs::read_to_string(file).with_context(|| {
            format!(
                "{} cannot be read: write it with `cargo strata manifest --write`",
                file.display()
            )
        })?;
        toml_edit::de::from_str(&text).with_context(|| {
            format!(
                "{} is no manifest: write it anew with `cargo strata manifest --write`",
                file.display()
            )
        })
    }

    fn write(&self, file: &Path) -> Result<()> {
        let text = toml_edit::ser::to_string_pretty(self).context("the manifest has no form")?;
        fs::create_dir_all(file.parent().unwrap_or(Path::new(".")))
            .and_then(|()| fs::write(file, format!("{HEADER}{text}")))
            .with_context(|| format!("{} cannot be written", file.display()))?;
        output::line(&format!("wrote {}", file.display()))
    }

    /// What `now` has otherwise, by path.
    fn differences(&self, now: &Self) -> Vec<Difference> {
        let names: BTreeSet<&String> = self.files.keys().chain(now.files.keys()).collect();
        let change = |name: &String| match (self.files.get(name), now.files.get(name)) {
            (None, Some(_)) => Some(Change::Added),
            (Some(_), None) => Some(Change::Removed),
            (before, after) => (before != after).then_some(Change::Changed),
        };
        names
            .into_iter()
            .filter_map(|name| {
                let file = name.clone();
                change(name).map(|change| Difference { file, change })
            })
            .collect()
    }
}

/// Paths from the root: what is or would be committed, and without git everything that is there.
fn framework_files(root: &Path) -> Result<Vec<PathBuf>> {
    let files = match listed_by_git(root) {
        Some(files) => files,
        None => walked(root)?,
    };
    let own = Path::new(OWN);
    Ok(files
        .into_iter()
        // Git lists what is deleted until the deletion is committed.
        .filter(|file| file != own && root.join(file).is_file())
        .collect())
}

fn listed_by_git(root: &Path) -> Option<Vec<PathBuf>> {
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others"])
        .args(["--exclude-standard", "--"])
        .args(FRAMEWORK)
        .current_dir(root)
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    let list = String::from_utf8(output.stdout).ok()?;
    let files = list.split('\0').filter(|file| !file.is_empty());
    Some(files.map(PathBuf::from).collect())
}

fn walked(root: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for start in FRAMEWORK
        .map(|name| root.join(name))
        .into_iter()
        .filter(|path| path.exists())
    {
        for entry in WalkDir::new(start) {
            let entry = entry.context("the template's files cannot be listed")?;
            files.push(entry.path().strip_prefix(root)?.to_owned());
        }
    }
    Ok(files)
}
