//! `new` lists every file it has written, and whose review each change needs.

use std::{collections::BTreeMap, path::PathBuf};

use serde::Deserialize;

use super::copy::{Copy, succeeds};

#[derive(Debug, Deserialize)]
struct Change {
    file: PathBuf,
    existed: bool,
    review: Option<String>,
}

#[tokio::test]
async fn every_file_written_is_listed() {
    let folder = tempfile::tempdir().unwrap();
    let copy = Copy::at(folder.path()).await;
    let before = copy.files();
    let calls = "orders/GetOrder,customers/SearchCustomers";
    let arguments = [
        "new", "process", "stock", "--calls", calls, "--format", "json",
    ];
    let output = copy.strata(&arguments);
    succeeds(&arguments, &output);
    let listed: Vec<Change> = serde_json::from_slice(&output.stdout).unwrap();

    let written: BTreeMap<PathBuf, bool> = copy
        .files()
        .into_iter()
        .filter(|(file, content)| before.get(file) != Some(content))
        .map(|(file, _)| (file.clone(), before.contains_key(&file)))
        .collect();
    let files = listed
        .iter()
        .map(|change| (change.file.clone(), change.existed));
    assert_eq!(files.collect::<BTreeMap<_, _>>(), written);

    let reviews: Vec<_> = listed
        .iter()
        .filter_map(|change| Some((change.file.to_str()?, change.review.as_deref()?)))
        .collect();
    assert_eq!(
        reviews,
        [
            ("system-api/orders/policy/callers.toml", "order-fulfilment"),
            (
                "system-api/customers/policy/callers.toml",
                "customer-records"
            ),
        ]
    );
}

/// An Experience API comes with its document, which is then the committed one.
#[tokio::test]
async fn an_experience_api_comes_with_its_document() {
    let folder = tempfile::tempdir().unwrap();
    let copy = Copy::at(folder.path()).await;
    let calls = "customer-overview/SearchCustomers";
    let arguments = [
        "new",
        "experience",
        "kiosk",
        "--calls",
        calls,
        "--format",
        "json",
    ];
    let output = copy.strata(&arguments);
    succeeds(&arguments, &output);
    let listed: Vec<Change> = serde_json::from_slice(&output.stdout).unwrap();
    let file = PathBuf::from("docs/openapi/kiosk.v1.json");
    let change = listed.iter().find(|change| change.file == file).unwrap();
    assert!(!change.existed);
    for paper in ["docs/catalogue.md", "docs/catalogue.html"] {
        let file = PathBuf::from(paper);
        assert!(listed.iter().any(|change| change.file == file), "{paper}");
        let text = std::fs::read_to_string(folder.path().join(&file)).unwrap();
        assert!(text.contains("kiosk"), "{paper}");
    }
    let document = std::fs::read(folder.path().join(&file)).unwrap();
    let document: serde_json::Value = serde_json::from_slice(&document).unwrap();
    // What the callee says of a value holds here too.
    let operations = document["paths"].as_object().unwrap().values();
    let parameters = operations.flat_map(|path| path["get"]["parameters"].as_array().unwrap());
    let size = parameters.clone().find(|one| one["name"] == "pageSize");
    assert_eq!(size.unwrap()["schema"]["maximum"], 100);
    succeeds(&["check"], &copy.strata(&["check"]));
}

/// What a callee's policy said before, it says still, comments included.
#[tokio::test]
async fn a_grant_is_added_below_what_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let copy = Copy::at(folder.path()).await;
    let file = folder.path().join("system-api/orders/policy/callers.toml");
    let before = std::fs::read_to_string(&file).unwrap() + "# The last word.\n";
    std::fs::write(&file, &before).unwrap();
    let arguments = ["new", "process", "stock", "--calls", "orders/ListOrders"];
    succeeds(&arguments, &copy.strata(&arguments));
    let entry = "\n[[callers]]\nlayer = \"process\"\nservice = \"stock\"\n\
        methods = [\"ListOrders\"]\n\
        clearance = { sensitivity = \"confidential\", categories = [\"personal\", \"location\"] }\n";
    assert_eq!(std::fs::read_to_string(&file).unwrap(), before + entry);
}
