//! What cannot be made is refused in one sentence that says what to do, and nothing is left behind.

use std::fs;

use super::copy::{Copy, succeeds};

/// The command, and what its error says.
const MISTAKES: [(&[&str], &str); 13] = [
    (
        &["system", "match"],
        "the name `match` must not be a Rust keyword",
    ),
    (
        &["system", "Stock"],
        "the name `Stock` must be at most 63 lower-case letters, digits and single dashes, and \
         start with a letter",
    ),
    (
        &["system", "google"],
        "the name `google` is that of the annotations in every contract: choose another",
    ),
    (
        &["system", "orders"],
        "system-orders exists already, in proto/system/orders: choose another name",
    ),
    (
        &["gateway", "stock"],
        "`gateway` is no layer: use system, process or experience",
    ),
    (
        &["process", "stock", "--calls", "orders"],
        "`orders` is no call: write <service>/<Method>",
    ),
    (
        &["process", "stock", "--calls", "parcels/GetParcel"],
        "the system layer has no service parcels: use one of customers, orders, or make it first",
    ),
    (
        &[
            "process",
            "stock",
            "--calls",
            "orders/GetOrder,orders/DropOrders",
        ],
        "system-orders has no method DropOrders: use one of GetOrder, ListOrders, StreamOrders, or add it to its \
         contract first",
    ),
    (
        &["experience", "stock", "--calls", "orders/GetOrder"],
        "orders is of the system layer, which the experience layer may not call: call a service of \
         the process layer",
    ),
    (
        &[
            "process",
            "stock",
            "--calls",
            "customer-overview/GetOverview",
        ],
        "customer-overview is of the process layer, which the process layer may not call: call a \
         service of the system layer",
    ),
    (
        &["system", "stock", "--calls", "orders/GetOrder"],
        "the system layer calls no API: leave --calls out",
    ),
    (
        &["system", "stock", "--owner", "a \"team\""],
        "the owner must be one line of text without quotes and backslashes",
    ),
    (
        &["system", "stock", "--description", "two\nlines"],
        "the description must be one line of text without quotes and backslashes",
    ),
];

#[tokio::test]
async fn a_mistake_leaves_no_trace() {
    let folder = tempfile::tempdir().unwrap();
    let copy = Copy::at(folder.path()).await;
    let before = copy.files();
    for (arguments, said) in MISTAKES {
        let arguments = [&["new"], arguments].concat();
        let output = copy.strata(&arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(error, format!("error: {said}\n"), "{arguments:?}");
        assert!(copy.files() == before, "{arguments:?} left a trace");
    }
    let honest = ["new", "process", "stock", "--calls", "orders/GetOrder"];
    succeeds(&honest, &copy.strata(&honest));
    assert!(copy.files() != before);
}

/// When something fails after the service is in place, everything is as it was.
#[tokio::test]
async fn a_failure_half_way_is_undone() {
    let folder = tempfile::tempdir().unwrap();
    let copy = Copy::at(folder.path()).await;
    // Cargo reads every manifest of the workspace, `new` only those it needs.
    let manifest = folder.path().join("tests/Cargo.toml");
    let sound = fs::read(&manifest).unwrap();
    fs::write(&manifest, "no manifest").unwrap();
    let before = copy.files();
    let arguments = ["new", "process", "stock", "--calls", "orders/GetOrder"];
    let output = copy.strata(&arguments);
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(
        error.starts_with("error: cargo cannot take up the new packages"),
        "{error}"
    );
    assert!(copy.files() == before, "a trace is left");
    let state = folder.path().join(".strata/state");
    assert_eq!(
        fs::read_dir(state).unwrap().count(),
        0,
        "a staged file is left"
    );

    fs::write(&manifest, sound).unwrap();
    succeeds(&arguments, &copy.strata(&arguments));
}
