//! Plans to measure with.

use std::{fs, path::Path};

use anyhow::{Result, ensure};
use tempfile::TempDir;

/// Consumers on a plan that has room for all that is measured.
pub(crate) fn roomy(policy: &Path) -> Result<TempDir> {
    const SPIKE: &str = "spike = { requests = 50000, per = \"5s\" }";
    let folder = tempfile::tempdir()?;
    let plans = fs::read_to_string(policy.join("plans.toml"))?;
    ensure!(
        plans.contains(SPIKE),
        "the plan of the sample has another spike"
    );
    let roomier = SPIKE.replace("50000", "1000000000");
    fs::write(
        folder.path().join("plans.toml"),
        plans.replace(SPIKE, &roomier),
    )?;
    fs::copy(
        policy.join("consumers.toml"),
        folder.path().join("consumers.toml"),
    )?;
    Ok(folder)
}
