//! What passed is not checked again until something it depends on has changed.

use std::{fs, path::Path};

use super::estate::{self, Estate};

const CUSTOMERS: &str = "proto/system/customers/v1/contract.proto";
const OVERVIEW: &str = "proto/process/overview/v1/contract.proto";
const ALL: [&str; 3] = ["system/customers", "process/overview", "experience/shop"];

/// The honest estate after `file` has changed: `from` has become `to`.
#[track_caller]
fn change(estate: &Estate, file: &str, from: &str, to: &str) {
    let text = fs::read_to_string(Path::new(&estate::sets()).join("honest").join(file)).unwrap();
    assert!(text.contains(from), "{file} has no {from:?}");
    estate.write(file, &text.replace(from, to));
}

#[test]
fn nothing_is_checked_twice() {
    let estate = Estate::of("honest");
    assert_eq!(estate.check().checked, ALL);
    let again = estate.check();
    assert_eq!((again.checked.len(), again.findings.len()), (0, 0));
}

#[test]
fn a_change_is_checked_in_everything_made_from_it() {
    for (file, from, to, expected) in [
        (CUSTOMERS, "mask: YEAR", "mask: INITIAL", &ALL[..]),
        (OVERVIEW, "\"platform\"", "\"team\"", &ALL[1..]),
        (
            "process-api/overview/service.toml",
            "\"customers\"",
            "'customers'",
            &ALL[1..],
        ),
        ("proto/classification.toml", "How many", "What", &ALL[..]),
    ] {
        let estate = Estate::of("honest");
        estate.check();
        change(&estate, file, from, to);
        let report = estate.check();
        assert_eq!(report.checked, expected, "{file}");
        assert_eq!(report.findings.len(), 0, "{file}");
    }
    let estate = Estate::of("honest");
    estate.check();
    estate.write(
        "proto/options/strata/options/v1/more.proto",
        "syntax = \"proto3\";",
    );
    assert_eq!(estate.check().checked, ALL);
}

/// A source that changes is found wrong where it is used, though the user did not change.
#[test]
fn a_source_that_rises_is_found_in_what_is_made_from_it() {
    let estate = Estate::of("honest");
    estate.check();
    change(
        &estate,
        CUSTOMERS,
        "sensitivity: INTERNAL",
        "sensitivity: RESTRICTED",
    );
    let report = estate.check();
    let found: Vec<_> = report.findings.iter().map(ToString::to_string).collect();
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].starts_with(&format!("{}:23", &OVERVIEW[6..])),
        "{found:?}"
    );
}

#[test]
fn what_did_not_pass_is_checked_again() {
    let estate = Estate::of("label_lower");
    let first = estate.findings();
    assert_eq!(first.len(), 1, "{first:?}");
    let again = estate.check();
    assert_eq!(again.checked, ["process/overview"]);
    assert_eq!(again.findings.len(), 1);
}

#[test]
fn a_broken_memory_says_that_nothing_passed() {
    let estate = Estate::of("honest");
    estate.check();
    estate.write("target/strata/checked.json", "{\"system/customers\": 1");
    assert_eq!(estate.check().checked, ALL);
    assert_eq!(estate.check().checked.len(), 0);
}
