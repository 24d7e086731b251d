//! `graph`.

use super::{sample::Sample, strata::strata};

#[test]
fn it_is_shown_in_every_form() {
    let sample = Sample::new();
    let show = |format| strata(sample.root(), &["graph", "--format", format]).data();
    let text = show("text");
    assert!(
        text.contains("process-balance") && text.contains("system-ledger"),
        "{text}"
    );
    let json: serde_json::Value = serde_json::from_str(&show("json")).unwrap();
    assert_eq!(json["services"].as_array().unwrap().len(), 3);
    let calls = json["calls"].as_array().unwrap();
    assert_eq!(calls.len(), 2);
    assert_eq!(calls[1]["caller"]["name"], "app");
    assert_eq!(calls[1]["methods"][0], "Get");
    let mermaid = show("mermaid");
    assert!(mermaid.starts_with("flowchart"), "{mermaid}");
    assert!(
        mermaid.contains("experience-app -->|Get| process-balance"),
        "{mermaid}"
    );
}

#[test]
fn the_committed_form_is_what_is_shown() {
    let sample = Sample::new();
    strata(sample.root(), &["graph", "--write"]).data();
    let shown = strata(sample.root(), &["graph", "--format", "json"]).data();
    assert_eq!(sample.read("docs/graph.json"), shown);
}
