//! The code made of a contract compiles for every shape a value can have, and masks it.

use std::{fs, path::Path};

use super::copy::{Copy, alone, succeeds};

const CONTRACT: &str = include_str!("shapes/contract.proto");
const TEST: &str = include_str!("shapes/masking.rs");

#[tokio::test(flavor = "multi_thread")]
async fn a_value_of_every_shape_is_masked() {
    // The folder of the test of services, which has built most of it.
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("templates");
    let _alone = alone(&folder);
    let root = folder.join("estate");
    let copy = Copy::at(&root).await;
    let arguments = ["new", "system", "shapes"];
    succeeds(&arguments, &copy.strata(&arguments));

    let package = root.join("proto/system/shapes");
    fs::write(package.join("v1/shapes.proto"), CONTRACT).unwrap();
    fs::create_dir_all(package.join("tests")).unwrap();
    fs::write(package.join("tests/masking.rs"), TEST).unwrap();
    let manifest = package.join("Cargo.toml");
    let tokens = "\n[dev-dependencies]\nstrata-release.workspace = true\n";
    let with_tokens = fs::read_to_string(&manifest).unwrap() + tokens;
    fs::write(manifest, with_tokens).unwrap();
    copy.cargo(&["test", "-p", "proto-system-shapes", "--test", "masking"]);
}
