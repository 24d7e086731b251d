//! The committed OpenAPI documents are those the contracts say: what clients are told changes only
//! where a reviewer sees it.

use std::{collections::BTreeSet, fs, path::Path};

use strata_core::Layer;
use strata_estate::Workspace;

/// What is wrong with the documents in `committed`, given the contracts of `workspace`.
fn drift(workspace: &Workspace, committed: &Path) -> Vec<String> {
    let mut known = BTreeSet::new();
    let mut drift = Vec::new();
    for service in workspace.services().unwrap() {
        let manifest = &service.manifest;
        let contract = workspace.root().join("proto");
        let contract = contract.join(manifest.layer.as_str()).join(&manifest.name);
        let documents = strata_codegen::openapi(&contract).unwrap();
        assert_eq!(
            !documents.is_empty(),
            manifest.layer == Layer::Experience,
            "{}",
            manifest.name
        );
        for document in documents {
            let file = format!("{}.{}.json", manifest.name, document.version);
            if fs::read_to_string(committed.join(&file)).ok() != Some(document.text) {
                drift.push(format!("{file} is not what its contract says"));
            }
            known.insert(file);
        }
    }
    for entry in fs::read_dir(committed).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        if !known.contains(&file) {
            drift.push(format!("{file} belongs to no Experience API"));
        }
    }
    drift
}

#[test]
fn committed_documents_are_those_of_the_contracts() {
    let workspace = Workspace::find().unwrap();
    let committed = workspace.root().join("docs/openapi");
    assert_eq!(drift(&workspace, &committed), [""; 0]);

    let copy = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(&committed).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
    }
    assert_eq!(drift(&workspace, copy.path()), [""; 0]);
    let storefront = copy.path().join("storefront.v1.json");
    let text = fs::read_to_string(&storefront).unwrap();
    let changed = text.replacen("\"maximum\": 100", "\"maximum\": 101", 1);
    assert_ne!(changed, text);
    fs::write(&storefront, changed).unwrap();
    fs::write(copy.path().join("gone.json"), "{}").unwrap();
    assert_eq!(
        drift(&workspace, copy.path()),
        [
            "storefront.v1.json is not what its contract says",
            "gone.json belongs to no Experience API"
        ]
    );
}
