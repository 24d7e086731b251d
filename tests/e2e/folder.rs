//! A service's folder that a test may change.

use std::fs;

use strata_tests::Rig;
use tempfile::TempDir;

/// A copy of the configuration, the policy and the schema of a service.
pub(crate) fn copy_of(rig: &Rig, service: &str) -> TempDir {
    let from = &rig.estate.service(service).unwrap().folder;
    let copy = tempfile::tempdir().unwrap();
    let parts = ["config", "policy", "migrations"].into_iter();
    for part in parts.filter(|part| from.join(part).exists()) {
        fs::create_dir(copy.path().join(part)).unwrap();
        for file in fs::read_dir(from.join(part)).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), copy.path().join(part).join(file.file_name())).unwrap();
        }
    }
    copy
}
