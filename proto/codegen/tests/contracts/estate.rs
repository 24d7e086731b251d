//! An estate on disk: the honest one, changed as a set says.

use std::{
    fs,
    path::{Path, PathBuf},
};

use strata_codegen::Report;
use tempfile::TempDir;
use walkdir::WalkDir;

/// Where the sets are.
pub(crate) fn sets() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sets")
}

pub(crate) struct Estate(TempDir);

impl Estate {
    /// The honest estate with the files of `set` in place of its own.
    pub(crate) fn of(set: &str) -> Self {
        let estate = Self(tempfile::tempdir().unwrap());
        for set in ["honest", set] {
            let set = sets().join(set);
            for entry in WalkDir::new(&set) {
                let entry = entry.unwrap();
                if entry.file_type().is_file() {
                    let file = entry.path().strip_prefix(&set).unwrap();
                    estate.write(file, &fs::read_to_string(entry.path()).unwrap());
                }
            }
        }
        let options = Path::new(env!("CARGO_MANIFEST_DIR")).join("../options");
        for entry in WalkDir::new(&options) {
            let entry = entry.unwrap();
            if entry.file_type().is_file() {
                let file = entry.path().strip_prefix(&options).unwrap();
                let text = fs::read_to_string(entry.path()).unwrap();
                estate.write(Path::new("proto/options").join(file), &text);
            }
        }
        estate
    }

    /// Writes a file, and the folders above it.
    pub(crate) fn write(&self, file: impl AsRef<Path>, text: &str) {
        let file = self.0.path().join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    /// Checks every contract, as the command line does.
    pub(crate) fn check(&self) -> Report {
        let memory = self.0.path().join("target/strata/checked.json");
        strata_codegen::check(&self.0.path().join("proto"), &memory)
    }

    /// What is found, without where the estate happens to lie.
    pub(crate) fn findings(&self) -> Vec<String> {
        let place = format!("{}/", self.0.path().display());
        let findings = self.check().findings;
        findings
            .iter()
            .map(|finding| finding.to_string().replace(&place, ""))
            .collect()
    }
}
