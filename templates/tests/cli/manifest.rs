//! Which files of the template are no longer as they came.

use std::process::Command;

use super::{sample::Sample, strata::strata};

/// A sample with a manifest of two framework files and the workspace's Cargo.toml.
fn sample() -> Sample {
    let sample = Sample::new();
    sample.write("shared/core/src/lib.rs", "one");
    sample.write("clippy.toml", "two");
    sample
}

fn write(sample: &Sample) {
    strata(sample.root(), &["manifest", "--write"]).data();
    let unchanged = strata(sample.root(), &["manifest"]).data();
    assert_eq!(unchanged, "nothing differs\n");
}

#[test]
fn each_file_that_differs_is_named() {
    let sample = sample();
    let error = strata(sample.root(), &["manifest"]).error();
    assert!(error.contains("cargo strata manifest --write"), "{error}");
    write(&sample);
    let manifest = sample.read(".strata/manifest.toml");
    // sha256sum of "two".
    let digest = "3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3";
    assert!(manifest.contains(digest), "{manifest}");

    sample.write("shared/core/src/lib.rs", "changed");
    sample.write("tests/new.rs", "");
    std::fs::remove_file(sample.root().join("clippy.toml")).unwrap();
    let answer = strata(sample.root(), &["manifest"]);
    assert_eq!(
        answer.stdout,
        "removed clippy.toml\nchanged shared/core/src/lib.rs\nadded   tests/new.rs\n"
    );
    assert!(answer.error().contains("3 of the template's files"));

    let answer = strata(sample.root(), &["manifest", "--format", "json"]);
    let differences: serde_json::Value = serde_json::from_str(&answer.stdout).unwrap();
    assert_eq!(differences[2]["file"], "tests/new.rs");
    assert_eq!(differences[2]["change"], "added");
    answer.error();
}

#[test]
fn what_is_the_organisations_own_may_change() {
    let sample = sample();
    write(&sample);
    for own in [
        "shared/config/estate.toml",
        "README.md",
        "system-api/ledger/service.toml",
        "proto/system/ledger/src/lib.rs",
    ] {
        sample.write(own, "# changed");
    }
    assert_eq!(
        strata(sample.root(), &["manifest"]).data(),
        "nothing differs\n"
    );
}

#[test]
fn what_git_ignores_is_no_file_of_the_template() {
    let sample = sample();
    sample.write(".gitignore", "*.tmp\n");
    write(&sample);
    let walked = sample.read(".strata/manifest.toml");
    let git = Command::new("git")
        .args(["init", "--quiet"])
        .current_dir(sample.root())
        .status();
    assert!(git.unwrap().success());
    sample.write("shared/core/scratch.tmp", "");
    write(&sample);
    assert_eq!(sample.read(".strata/manifest.toml"), walked);

    sample.write("shared/core/scratch.rs", "");
    let answer = strata(sample.root(), &["manifest"]);
    assert_eq!(answer.stdout, "added   shared/core/scratch.rs\n");
    answer.error();
}
