//! `data-map`.

use std::{fs, net::SocketAddr, path::Path};

use serde_json::Value;
use sqlx::{Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};
use strata_config::Environment;
use strata_core::{Category, Layer};
use strata_estate::{ServiceSummary, Summary, Workspace};

use super::{
    sample::Sample,
    strata::{root, strata},
};

fn map(root: &Path) -> Value {
    let text = strata(root, &["data-map", "--format", "json"]).data();
    serde_json::from_str(&text).unwrap()
}

fn items<'a>(value: &'a Value, key: &str) -> &'a Vec<Value> {
    value[key].as_array().unwrap()
}

/// The one of a list whose member `key` is `value`.
#[track_caller]
fn one<'a>(list: &'a [Value], key: &str, value: &str) -> &'a Value {
    let found = list.iter().find(|item| item[key] == value);
    found.unwrap_or_else(|| panic!("no {key} is {value} in {list:#?}"))
}

/// Every value of the map's stores, and of those that no store declares.
fn named(map: &Value) -> Vec<String> {
    let stores = items(map, "stores").iter();
    let stored = stores.flat_map(|store| items(store, "fields"));
    let all = stored.chain(items(map, "unstored"));
    all.map(|value| value["name"].as_str().unwrap().to_owned())
        .collect()
}

/// Every personal value of the System contracts, read from the contracts themselves.
fn personal(root: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for folder in fs::read_dir(root.join("proto/system")).unwrap() {
        let contract = strata_codegen::read(&folder.unwrap().path()).unwrap();
        for message in &contract.messages {
            for field in &message.fields {
                let categories = field.label.map(|label| label.categories);
                let mut categories = categories.iter().flat_map(|it| it.iter());
                if categories.any(|category| category == Category::Personal) {
                    names.push(format!("{}.{}", message.name, field.name));
                }
            }
        }
    }
    names
}

#[test]
fn every_personal_value_of_every_system_contract_is_in_it() {
    let named = named(&map(root()));
    let personal = personal(root());
    assert!(personal.len() > 20, "{personal:?}");
    for name in &personal {
        assert!(named.contains(name), "{name} is not in the map");
    }
}

#[test]
fn the_committed_map_is_what_is_shown() {
    let shown = |format| strata(root(), &["data-map", "--format", format]).data();
    let committed = |file: &str| fs::read_to_string(root().join("docs").join(file)).unwrap();
    assert_eq!(committed("data-map.md"), shown("md"));
    assert_eq!(committed("data-map.html"), shown("html"));
}

#[test]
fn a_field_that_is_added_appears_with_who_is_answered_it() {
    let sample = Sample::new();
    let name = "system.ledger.v1.Account.tax_number";
    assert!(!named(&map(sample.root())).contains(&name.to_owned()));
    sample.replace(
        "proto/system/ledger/v1/ledger.proto",
        "repeated Booking bookings = 3;",
        "repeated Booking bookings = 3;\n  string tax_number = 4 [(strata.options.v1.field) = \
         {sensitivity: RESTRICTED, categories: [PERSONAL], kind: \"purchase\"}];",
    );
    let map = map(sample.root());
    let store = one(items(&map, "stores"), "table", "ledger.accounts");
    let field = one(items(store, "fields"), "name", name);
    assert_eq!(field["label"]["sensitivity"], "restricted");
    assert_eq!(items(field, "readers").len(), 0);
    // Nobody is cleared for it: it is masked before it leaves the System API.
    assert_eq!(store["callers"][0]["service"], "process-balance");
    assert_eq!(store["callers"][0]["masked"][0], name);
    let markdown = strata(sample.root(), &["data-map"]).data();
    assert!(
        markdown.contains("| tax_number | purchase | RESTRICTED: personal |"),
        "{markdown}"
    );
}

#[test]
fn a_reader_is_shown_what_the_clearance_covers_along_the_calls_that_are_granted() {
    let sample = Sample::new();
    let read = |map: &Value, table: &str, path: &str| {
        let store = one(items(map, "stores"), "table", table);
        one(items(store, "fields"), "path", path)["readers"].clone()
    };
    let before = map(sample.root());
    let amount = read(&before, "ledger.accounts", "minor");
    assert_eq!(amount[0]["role"], "saver");
    assert_eq!(amount[0]["service"], "experience-app");
    assert_eq!(amount[0]["methods"][0], "GetBalance");
    assert_eq!(amount[0]["masked_by"].as_array().unwrap().len(), 0);
    let text = read(&before, "ledger.order", "text");
    assert_eq!(text[0]["masked_by"][0], "initial");
    let store = one(items(&before, "stores"), "table", "ledger.accounts");
    assert_eq!(store["leaves"][0]["label"]["sensitivity"], "internal");
    let through = &before["readers"][0]["methods"][0]["through"];
    assert_eq!(through[0]["service"], "process-balance");
    assert_eq!(through[1]["service"], "system-ledger");

    // What the role may see, the callee's grant can still withhold.
    sample.replace(
        "system-api/ledger/policy/callers.toml",
        "confidential",
        "public",
    );
    let withheld = read(&map(sample.root()), "ledger.accounts", "minor");
    assert_eq!(withheld[0]["masked_by"][0], "redact");

    // A call that is no longer granted is no way.
    sample.write("system-api/ledger/policy/callers.toml", "");
    let after = map(sample.root());
    assert_eq!(
        read(&after, "ledger.accounts", "minor"),
        Value::Array(Vec::new())
    );
}

#[test]
fn methods_of_one_name_are_told_apart_by_their_version() {
    let sample = Sample::new();
    let contract = "proto/experience/app/v1/app.proto";
    let latest = "string latest = 2";
    let first = sample.read(contract);
    assert!(first.contains(latest));
    let second = first.replace("app.v1", "app.v2");
    let second = second.replace("/v1/balance", "/v2/balance");
    sample.write("proto/experience/app/v2/app.proto", &second);
    // What only version 1 answers must not be lost.
    let account = "sensitivity: INTERNAL, categories: [PERSONAL], kind: \"amount\"";
    let public = "sensitivity: PUBLIC, declassify: {reason: \"of no account\"}";
    sample.replace("proto/experience/app/v2/app.proto", account, public);
    let map = map(sample.root());
    let methods = items(&map["readers"][0], "methods");
    let flows = items(&map, "flows").iter();
    let flows: Vec<_> = flows
        .filter(|flow| flow["callee"] == "experience-app")
        .cloned()
        .collect();
    for (name, sensitivity) in [
        ("GetBalance (v1)", "internal"),
        ("GetBalance (v2)", "public"),
    ] {
        let shown = one(methods, "method", name);
        assert_eq!(shown["label"]["sensitivity"], sensitivity, "{name}");
        let flow = one(&flows, "method", name);
        assert_eq!(flow["answers"]["sensitivity"], sensitivity, "{name}");
    }
    assert_eq!(flows.len(), 2);
}

#[test]
fn what_comes_together_is_named_with_what_it_amounts_to() {
    let map = map(root());
    let message = "experience.support_desk.v1.GetCustomerOverviewResponse";
    let blend = one(items(&map, "blends"), "message", message);
    assert_eq!(
        blend["sources"],
        serde_json::json!(["system-customers", "system-orders"])
    );
    assert_eq!(blend["label"]["sensitivity"], "confidential");

    let sample = Sample::new();
    let classification = sample.read("proto/classification.toml");
    let combination = "[[combinations]]\nkinds = [\"amount\", \"purchase\"]\n\
        label = { sensitivity = \"restricted\", categories = [\"personal\"] }\n\
        reason = \"they show how somebody lives\"\n";
    sample.write("proto/classification.toml", &(classification + combination));
    let map = self::map(sample.root());
    let store = one(items(&map, "stores"), "table", "ledger.accounts");
    assert_eq!(
        store["combinations"][0]["reason"],
        "they show how somebody lives"
    );
    // Neither kind shows whole to whoever may not see them together.
    let together = one(items(store, "fields"), "path", "minor");
    assert_eq!(together["readers"][0]["masked_by"][0], "redact");
    assert_eq!(map["readers"][0]["together"].as_array().unwrap().len(), 0);

    sample.replace(
        "experience-api/app/policy/roles.toml",
        "internal",
        "restricted",
    );
    for callers in ["system-api/ledger", "process-api/balance"] {
        sample.replace(
            &format!("{callers}/policy/callers.toml"),
            "confidential",
            "restricted",
        );
    }
    let map = self::map(sample.root());
    let reader = &map["readers"][0];
    assert_eq!(reader["together"][0]["label"]["sensitivity"], "restricted");
}

#[test]
fn the_page_loads_nothing_and_takes_no_markup_from_a_contract() {
    let sample = Sample::new();
    let page = strata(sample.root(), &["data-map", "--format", "html"]).data();
    assert!(
        page.contains("<svg") && page.contains("ledger.accounts"),
        "{page}"
    );
    let loading = page.replace("http://www.w3.org/2000/svg", "");
    for part in [
        "http:", "https:", "src=", "<script", "<link", "url(", "@import",
    ] {
        assert!(!loading.contains(part), "{part}");
    }
    sample.replace(
        "process-api/balance/service.toml",
        "A sample.",
        "<script>alert(1)</script> | a cell",
    );
    let page = strata(sample.root(), &["data-map", "--format", "html"]).data();
    assert!(page.contains("&lt;script&gt;") && !page.contains("<script"));
    let markdown = strata(sample.root(), &["data-map"]).data();
    assert!(
        markdown.contains("&lt;script>alert(1)&lt;/script> \\| a cell"),
        "{markdown}"
    );
}

/// A sample whose estate runs, as far as its publication says, with a store of two people.
async fn running(sample: &Sample) {
    let folder = sample.root().join("run");
    fs::create_dir(&folder).unwrap();
    let options = SqliteConnectOptions::new()
        .filename(folder.join("data.db"))
        .create_if_missing(true);
    let mut store = SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::raw_sql(
        "CREATE TABLE accounts (holder_id TEXT PRIMARY KEY, minor INTEGER NOT NULL);
         CREATE TABLE \"order\" (holder TEXT NOT NULL REFERENCES accounts (holder_id), text TEXT);
         CREATE TABLE scratch (holder_id TEXT NOT NULL, note TEXT);
         INSERT INTO accounts VALUES ('per_1', 4711), ('per_2', 1);
         INSERT INTO \"order\" VALUES ('per_1', 'a lamp'), ('per_1', 'a table'), ('per_2', 'x');
         INSERT INTO scratch VALUES ('per_1', 'calls often');",
    )
    .execute(&mut store)
    .await
    .unwrap();
    store.close().await.unwrap();
    let anywhere: SocketAddr = "127.0.0.1:1".parse().unwrap();
    let summary = Summary {
        environment: Environment::Dev,
        services: vec![ServiceSummary {
            layer: Layer::System,
            name: "ledger".to_owned(),
            id: String::new(),
            address: anywhere,
            admin: anywhere,
            material: folder.clone(),
            log: folder.join("log"),
            pid: None,
        }],
        edges: Vec::new(),
        issuer: String::new(),
        token_endpoint: String::new(),
        token: String::new(),
    };
    summary.publish(&Workspace::at(sample.root())).unwrap();
}

#[tokio::test]
async fn where_a_persons_records_are_is_counted_and_nothing_of_them_is_printed() {
    let sample = Sample::new();
    running(&sample).await;
    let arguments = ["data-map", "--subject", "per_1", "--format", "json"];
    let json = strata(sample.root(), &arguments).data();
    let plan: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(plan["counted"], true);
    let accounts = one(items(&plan, "stores"), "table", "ledger.accounts");
    assert_eq!(accounts["records"], 1);
    assert_eq!(accounts["key"], "holder_id");
    assert_eq!(accounts["access"][0], "Get");
    assert_eq!(accounts["retention"], "P7Y");
    let hanging = one(items(&plan, "stores"), "table", "ledger.order");
    assert_eq!(hanging["records"], 2);
    assert_eq!(hanging["parents"][0], "ledger.accounts");
    let undeclared = one(items(&plan, "undeclared"), "table", "scratch");
    assert_eq!(undeclared["records"], 1);

    let text = strata(sample.root(), &["data-map", "--subject", "per_1"]).data();
    assert!(text.contains("ledger.accounts: 1 record\n"), "{text}");
    assert!(text.contains("ledger.order: 2 records\n"), "{text}");
    assert!(
        text.contains(
            "by team, in the store, before the records of ledger.accounts; otherwise kept P7Y"
        ),
        "{text}"
    );
    for said in [json, text] {
        for data in ["per_1", "4711", "a lamp", "a table", "calls often"] {
            assert!(!said.contains(data), "{data} in {said}");
        }
    }
}

#[tokio::test]
async fn nobody_is_found_by_an_id_that_no_store_holds() {
    let sample = Sample::new();
    running(&sample).await;
    for id in ["per_9", "' OR 1=1 --".replace(' ', "/**/").as_str()] {
        let said = strata(sample.root(), &["data-map", "--subject", id]).data();
        assert_eq!(said, "nothing found\n", "{id}");
    }
}

#[test]
fn without_a_running_estate_the_plan_is_told_and_nothing_is_counted() {
    let sample = Sample::new();
    let answer = strata(sample.root(), &["data-map", "--subject", "per_1"]);
    assert!(answer.stderr.contains("cargo strata up"), "{answer:?}");
    let said = answer.data();
    assert!(said.contains("ledger.accounts: not counted"), "{said}");
}

#[test]
fn an_id_that_can_be_nobodys_is_refused() {
    let sample = Sample::new();
    strata(sample.root(), &["data-map", "--subject", "per_1"]).data();
    for id in ["", "per 1", "per\n1", &"1".repeat(1_025)] {
        let error = strata(sample.root(), &["data-map", "--subject", id]).error();
        assert!(
            error.contains("1 to 1024 characters without spaces"),
            "{error}"
        );
    }
    let html = ["data-map", "--subject", "per_1", "--format", "html"];
    let error = strata(sample.root(), &html).error();
    assert!(error.contains("use one of them"), "{error}");
}
