//! `catalogue`.

use std::{fs, path::Path};

use serde_json::{Value, json};

use super::{
    sample::Sample,
    strata::{root, strata},
};

const CONTRACT: &str = "proto/experience/app/v1/app.proto";
const PURPOSE: &str = "purpose: \"banking\"";

fn catalogue(root: &Path) -> Value {
    let text = strata(root, &["catalogue", "--format", "json"]).data();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn the_committed_catalogue_is_what_is_shown() {
    let shown = |format| strata(root(), &["catalogue", "--format", format]).data();
    let committed = |file: &str| fs::read_to_string(root().join("docs").join(file)).unwrap();
    assert_eq!(committed("catalogue.md"), shown("md"));
    assert_eq!(committed("catalogue.html"), shown("html"));
}

#[test]
fn an_api_is_shown_with_its_methods_terms_and_changes() {
    let sample = Sample::new();
    let catalogue = catalogue(sample.root());
    let apis = catalogue["apis"].as_array().unwrap();
    assert_eq!(apis.len(), 1, "only Experience APIs are offered");
    let expected = json!({
        "name": "app",
        "owner": "team",
        "description": "A sample.",
        "versions": [{
            "name": "v1",
            "about": "Shows a balance.",
            "status": "current",
            "deprecated_after": "",
            "sunset": "",
            "document": "docs/openapi/app.v1.json",
            "methods": [{
                "name": "GetBalance",
                "route": "GET /v1/balance",
                "about": "The balance.",
                "scopes": ["balance:read"],
                "purpose": "banking",
                "deprecated_after": "",
                "sunset": "",
            }],
            "changes": [{"date": "2026-01-31", "text": "The first version."}],
        }],
        "plans": [{
            "name": "standard",
            "quota": {"requests": 1000, "per": "1day"},
            "spike": {"requests": 10, "per": "1s"},
            "ceiling": {"sensitivity": "confidential", "categories": ["personal"]},
            "methods": ["GetBalance"],
            "consumers": [{"owner": "app team", "purpose": "the balance in the app"}],
        }],
    });
    assert_eq!(apis[0], expected);
    let markdown = strata(sample.root(), &["catalogue"]).data();
    for line in [
        "| [app](#app) | team | A sample. | v1 (current) |",
        "| status | current |",
        "| GetBalance | `GET /v1/balance` | balance:read | banking |  |  | The balance. |",
        "| 2026-01-31 | The first version. |",
        "| standard | 1000 in 1day | 10 in 1s | CONFIDENTIAL: personal | GetBalance |",
        "| standard | app team | the balance in the app |",
    ] {
        assert!(
            markdown.lines().any(|shown| shown == line),
            "{line}\n{markdown}"
        );
    }
}

#[test]
fn a_version_is_deprecated_when_all_its_methods_are() {
    let sample = Sample::new();
    let first = sample.read(CONTRACT);
    let second = first
        .replace("app.v1", "app.v2")
        .replace("/v1/balance", "/v2/balance");
    sample.write("proto/experience/app/v2/app.proto", &second);
    let ends = "deprecated_after: \"2026-02-28\" sunset: \"2027-02-28\"";
    sample.replace(CONTRACT, PURPOSE, &format!("{PURPOSE} {ends}"));
    sample.replace(
        CONTRACT,
        "changes: [",
        "changes: [{date: \"2026-01-01\", text: \"Drawn up.\"}, {date: \"2026-02-28\", text: \"Use \
         v2.\"}, ",
    );
    let shown = catalogue(sample.root());
    let [new, old] = shown["apis"][0]["versions"].as_array().unwrap().as_slice() else {
        panic!("{shown:#}")
    };
    assert_eq!(
        (&new["name"], &new["status"]),
        (&json!("v2"), &json!("current"))
    );
    assert_eq!(
        (&old["name"], &old["status"]),
        (&json!("v1"), &json!("deprecated"))
    );
    assert_eq!(old["sunset"], "2027-02-28");
    let changes = old["changes"].as_array().unwrap();
    let dates: Vec<_> = changes.iter().map(|change| &change["date"]).collect();
    assert_eq!(dates, ["2026-02-28", "2026-01-31", "2026-01-01"]);
    let markdown = strata(sample.root(), &["catalogue"]).data();
    let status = "| status | deprecated after 2026-02-28, gone from 2027-02-28 |";
    assert!(markdown.lines().any(|line| line == status), "{markdown}");

    // One method that stays keeps the version.
    let stays = "  rpc GetOther(GetBalanceRequest) returns (Balance) {\n    option (google.api.http) = \
        {get: \"/v1/other\"};\n    option (strata.options.v1.method) = {scope: \"balance:read\" \
        purpose: \"banking\" ceiling: {sensitivity: CONFIDENTIAL, categories: [PERSONAL]}};\n  }\n";
    sample.replace(
        CONTRACT,
        "  // The balance.\n",
        &format!("{stays}  // The balance.\n"),
    );
    let shown = catalogue(sample.root());
    let old = &shown["apis"][0]["versions"][1];
    assert_eq!(old["status"], "current");
    assert_eq!(
        (&old["deprecated_after"], &old["sunset"]),
        (&json!(""), &json!(""))
    );
}

#[test]
fn nobodys_client_id_is_shown() {
    let sample = Sample::new();
    let consumers = "experience-api/app/policy/consumers.toml";
    assert!(sample.read(consumers).contains("savings-app"));
    for format in ["md", "html", "json"] {
        let shown = strata(sample.root(), &["catalogue", "--format", format]).data();
        assert!(shown.contains("app team"), "{shown}");
        assert!(!shown.contains("savings-app"), "{shown}");
    }
}

#[test]
fn what_a_document_says_is_text_and_never_markup() {
    let sample = Sample::new();
    let markup = "<script>alert(1)</script> | a cell";
    let consumers = "experience-api/app/policy/consumers.toml";
    sample.replace(consumers, "the balance in the app", markup);
    sample.replace(CONTRACT, "The first version.", markup);
    let page = strata(sample.root(), &["catalogue", "--format", "html"]).data();
    assert!(
        page.contains("&lt;script&gt;") && !page.contains("<script"),
        "{page}"
    );
    for external in ["http://", "https://", "@import", "url("] {
        assert!(!page.contains(external), "{external}");
    }
    let markdown = strata(sample.root(), &["catalogue"]).data();
    let cells = markdown.matches("&lt;script>alert(1)&lt;/script> \\| a cell");
    assert_eq!(cells.count(), 2, "{markdown}");
}

#[test]
fn what_does_not_fit_together_is_not_shown() {
    let sample = Sample::new();
    catalogue(sample.root());
    let consumers = "experience-api/app/policy/consumers.toml";
    sample.replace(consumers, "plan = \"standard\"", "plan = \"gold\"");
    let error = strata(sample.root(), &["catalogue"]).error();
    assert!(
        error.contains("plan 'gold' is not in plans.toml"),
        "{error}"
    );
}
