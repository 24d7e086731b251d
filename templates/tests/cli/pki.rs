//! `pki`.

use std::fs;

use super::{sample::Sample, strata::strata};

#[test]
fn authorities_and_material_are_made_shown_and_rotated() {
    let sample = Sample::new();
    let pki = |arguments: &[&str]| {
        let place = ["--env", "test", "--dir", "keys"];
        strata(sample.root(), &[&["pki"], arguments, &place].concat())
    };
    pki(&["init"]).data();
    let issued = pki(&["issue"]).data();
    assert_eq!(issued.lines().count(), 3);
    let show = || -> serde_json::Value {
        serde_json::from_str(&pki(&["show", "--format", "json"]).data()).unwrap()
    };
    let before = show();
    assert_eq!(before.as_array().unwrap().len(), 12, "{before}");
    let table = pki(&["show"]).data();
    assert!(
        table.contains("/ledger") && table.contains("serverAuth"),
        "{table}"
    );

    let svid = sample.root().join("keys/material/system-ledger/svid.pem");
    let old = fs::read(&svid).unwrap();
    let bundle = sample
        .root()
        .join("keys/material/system-ledger/bundles/process.pem");
    let trusted = fs::read(&bundle).unwrap();
    pki(&["rotate", "--authorities"]).data();
    assert_ne!(fs::read(&bundle).unwrap(), trusted);
    assert_eq!(
        fs::read(&svid).unwrap(),
        old,
        "nobody trusts what would have signed another"
    );
    pki(&["rotate"]).data();
    assert_ne!(fs::read(&svid).unwrap(), old);
    assert_eq!(
        show().as_array().unwrap().len(),
        17,
        "the authorities before are kept"
    );
}

#[test]
fn nothing_is_overwritten() {
    let sample = Sample::new();
    let pki = |arguments: &[&str]| {
        strata(
            sample.root(),
            &[&["pki"], arguments, &["--env", "test"]].concat(),
        )
    };
    pki(&["init"]).data();
    assert!(sample.root().join(".strata/state/test/pki").is_dir());
    assert!(pki(&["init"]).error().contains("exists already"));
    pki(&["issue", "system-ledger"]).data();
    assert!(
        pki(&["issue", "system-ledger"])
            .error()
            .contains("exists already")
    );
    assert!(
        pki(&["issue", "system-nothing"])
            .error()
            .contains("use one of system-ledger")
    );
}
