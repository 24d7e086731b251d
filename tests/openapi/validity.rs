//! The committed documents are OpenAPI 3.1.

use std::fs;

use strata_estate::Workspace;
use strata_tests::Rig;

use crate::tools::{finds_nothing, tool};

pub(crate) async fn every_committed_document_is_openapi_3_1(_: &mut Rig) {
    let workspace = Workspace::find().unwrap();
    let files = fs::read_dir(workspace.root().join("docs/openapi")).unwrap();
    let files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    assert!(!files.is_empty());
    let validate = || {
        let mut validator = tool(workspace.root(), "openapi-spec-validator")?;
        validator.args(["--schema", "3.1"]);
        Some(validator)
    };
    let Some(mut validator) = validate() else {
        return;
    };
    validator.args(&files);
    finds_nothing(validator).await;

    // It finds what is wrong.
    let wrong = tempfile::NamedTempFile::new().unwrap();
    let text = fs::read_to_string(&files[0]).unwrap();
    fs::write(
        &wrong,
        text.replacen("\"in\": \"query\"", "\"in\": \"body\"", 1),
    )
    .unwrap();
    let refused = validate()
        .unwrap()
        .arg(wrong.path())
        .output()
        .await
        .unwrap();
    assert!(!refused.status.success(), "{refused:?}");
}
