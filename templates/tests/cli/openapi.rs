//! `openapi`.

use super::{sample::Sample, strata::strata};

#[test]
fn the_committed_document_is_what_is_shown() {
    let sample = Sample::new();
    let run = |arguments: &[&str]| strata(sample.root(), arguments).data();
    assert!(run(&["openapi"]).contains("missing"));
    run(&["openapi", "--write"]);
    let shown = run(&["openapi", "app"]);
    assert_eq!(sample.read("docs/openapi/app.v1.json"), shown);
    let document: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(
        document["paths"]["/v1/balance"]["get"]["operationId"],
        "getBalance"
    );
    let state = run(&["openapi", "--format", "json"]);
    let state: serde_json::Value = serde_json::from_str(&state).unwrap();
    assert_eq!(state[0]["service"], "app");
    assert_eq!(state[0]["version"], "v1");
    assert_eq!(state[0]["committed"], "same");
}

#[test]
fn a_service_without_a_document_is_named_with_those_that_have_one() {
    let sample = Sample::new();
    let answer = strata(sample.root(), &["openapi", "ledger"]);
    assert_eq!(answer.code, Some(1), "{answer:?}");
    assert_eq!(
        answer.stderr,
        "error: there is no Experience API ledger: use one of app\n"
    );
}

#[test]
fn each_version_has_a_document_of_its_own() {
    let sample = Sample::new();
    let first = sample.read("proto/experience/app/v1/app.proto");
    let second = first
        .replace("app.v1", "app.v2")
        .replace("/v1/balance", "/v2/balance");
    sample.write("proto/experience/app/v2/app.proto", &second);
    let run = |arguments: &[&str]| strata(sample.root(), arguments).data();
    run(&["openapi", "--write"]);
    for version in ["v1", "v2"] {
        let shown = run(&["openapi", "app", version]);
        let file = format!("docs/openapi/app.{version}.json");
        assert_eq!(sample.read(&file), shown);
        assert!(shown.contains(&format!("/{version}/balance")), "{shown}");
    }
    assert_eq!(run(&["openapi", "app"]), run(&["openapi", "app", "v2"]));
    let error = strata(sample.root(), &["openapi", "app", "v3"]).error();
    assert_eq!(error, "error: app has no such version: use one of v1, v2\n");
}
