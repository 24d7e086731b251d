//! The committed documents are OpenAPI 3.1.

use std::fs;

use strata_estate::Workspace;
use strata_tests::{
    Rig,
    programs::{outcome, python},
};
use tokio::process::Command;

pub(crate) async fn every_committed_document_is_openapi_3_1(_: &mut Rig) {
    let workspace = Workspace::find().unwrap();
    let files = fs::read_dir(workspace.root().join("docs/openapi")).unwrap();
    let files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    assert!(!files.is_empty());
    let Some(tools) = python("openapi").await.unwrap() else {
        return;
    };
    let validate = || {
        let mut validator = Command::new(tools.join("openapi-spec-validator"));
        validator.args(["--schema", "3.1"]);
        validator
    };
    let mut validator = validate();
    validator.args(&files);
    outcome(validator, b"").await.unwrap();

    // It finds what is wrong.
    let wrong = tempfile::NamedTempFile::new().unwrap();
    let text = fs::read_to_string(&files[0]).unwrap();
    fs::write(
        &wrong,
        text.replacen("\"in\": \"query\"", "\"in\": \"body\"", 1),
    )
    .unwrap();
    let refused = validate().arg(wrong.path()).output().await.unwrap();
    assert!(!refused.status.success(), "{refused:?}");
}
