//! Who calls whom: Cargo's dependencies, the committed graph and every service.toml say the same,
//! and what they say obeys the rule of the layers.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::DependencyKind;
use strata_core::Layer;

use crate::repository::{METADATA, ROOT, Service, read, services, toml};

/// Caller and callee, each `<layer>-<name>`, and the methods where they are named.
type Calls = BTreeMap<(String, String), BTreeSet<String>>;

/// Caller and callee of a call that is exempted from the rule, and the last day.
type Exempted = BTreeMap<(String, String), String>;

/// What the packages are compiled against. Methods are not Cargo's to know.
fn compiled(services: &[Service]) -> Calls {
    let mut calls = Calls::new();
    for service in services {
        for dependency in &service.package().dependencies {
            let callee = dependency.name.strip_prefix("proto-");
            if let Some(callee) = callee.filter(|callee| *callee != service.id())
                && dependency.kind == DependencyKind::Normal
            {
                calls.insert((service.id(), callee.to_owned()), BTreeSet::new());
            }
        }
    }
    calls
}

/// What every service.toml says, exemptions included.
fn declared(services: &[Service]) -> (Calls, Exempted) {
    let (mut calls, mut exempted) = (Calls::new(), Exempted::new());
    for service in services {
        let manifest = toml(&service.folder.join("service.toml"));
        let below = service.layer.callees().next();
        for (call, last_day) in entries(&manifest, below) {
            let edge = (service.id(), call.0);
            exempted.extend(last_day.map(|day| (edge.clone(), day)));
            calls.insert(edge, call.1);
        }
    }
    (calls, exempted)
}

type Entry = ((String, BTreeSet<String>), Option<String>);

/// The callees of one service.toml with their methods, and of an exemption its last day.
fn entries(manifest: &toml::Table, below: Option<Layer>) -> Vec<Entry> {
    let text = |entry: &toml::Value, key: &str| entry[key].as_str().unwrap().to_owned();
    let listed = |list: &str| manifest.get(list).and_then(toml::Value::as_array).cloned();
    let callee = |layer: &str, entry: &toml::Value| {
        let methods = entry["methods"].as_array().unwrap().iter();
        let methods = methods.map(|method| method.as_str().unwrap().to_owned());
        (
            format!("{layer}-{}", text(entry, "service")),
            methods.collect(),
        )
    };
    let calls = listed("calls").unwrap_or_default().into_iter();
    let calls = calls.map(|entry| {
        let below = below.expect("a System API calls nobody");
        (callee(below.as_str(), &entry), None)
    });
    let exemptions = listed("exemptions").unwrap_or_default().into_iter();
    let exemptions = exemptions.map(|entry| {
        let last_day = Some(text(&entry, "expires"));
        (callee(&text(&entry, "layer"), &entry), last_day)
    });
    calls.chain(exemptions).collect()
}

/// What docs/graph.json says.
fn committed(text: &str) -> (BTreeMap<String, String>, Calls, Exempted) {
    let graph: serde_json::Value = serde_json::from_str(text).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let id = |end: &serde_json::Value| format!("{}-{}", text(&end["layer"]), text(&end["name"]));
    let owners = graph["services"].as_array().unwrap().iter();
    let owners = owners.map(|service| (id(service), text(&service["owner"])));
    let edge = |call: &serde_json::Value| (id(&call["caller"]), id(&call["callee"]));
    let calls = graph["calls"].as_array().unwrap();
    let exempted = calls.iter().filter_map(|call| {
        let last_day = call.get("exempt_until")?;
        Some((edge(call), text(last_day)))
    });
    let called = calls.iter().map(|call| {
        let methods = call["methods"].as_array().unwrap().iter().map(text);
        (edge(call), methods.collect())
    });
    (owners.collect(), called.collect(), exempted.collect())
}

/// The calls one side has and the other has not.
fn differences(one: &Calls, other: &Calls) -> Vec<String> {
    let of = |calls: &Calls| calls.keys().cloned().collect::<BTreeSet<_>>();
    of(one)
        .symmetric_difference(&of(other))
        .map(|(caller, callee)| format!("{caller} -> {callee}"))
        .collect()
}

/// The calls that break the rule and are not exempted from it.
fn breaches(calls: &Calls, exempted: &Exempted) -> Vec<String> {
    let layer = |id: &str| id.split_once('-').unwrap().0.parse::<Layer>().unwrap();
    calls
        .keys()
        .filter(|call| !exempted.contains_key(call))
        .filter(|(caller, callee)| !layer(caller).may_call(layer(callee)))
        .map(|(caller, callee)| format!("{caller} -> {callee}"))
        .collect()
}

fn calls(list: &[(&str, &str)]) -> Calls {
    let call = |(caller, callee): &(&str, &str)| ((*caller).to_owned(), (*callee).to_owned());
    list.iter().map(|it| (call(it), BTreeSet::new())).collect()
}

#[test]
fn the_checks_find_what_is_wrong() {
    let two = calls(&[("process-a", "system-b"), ("experience-c", "process-a")]);
    let one = calls(&[("process-a", "system-b")]);
    assert_eq!(differences(&two, &one), ["experience-c -> process-a"]);
    assert_eq!(differences(&one, &two), ["experience-c -> process-a"]);
    let nobody = Exempted::new();
    assert!(breaches(&two, &nobody).is_empty());
    for breach in [
        ("experience-c", "system-b"),
        ("experience-c", "experience-d"),
        ("process-a", "process-d"),
        ("process-a", "experience-c"),
        ("system-b", "system-d"),
        ("system-b", "process-a"),
    ] {
        assert_eq!(breaches(&calls(&[breach]), &nobody).len(), 1, "{breach:?}");
    }

    let paper = "[[calls]]\nservice = 'a'\nmethods = ['Get']\n[[exemptions]]\nlayer = 'system'\n\
        service = 'b'\nmethods = ['List']\nexpires = '2027-03-31'\n";
    let entries = entries(&paper.parse().unwrap(), Some(Layer::Process));
    let ids: Vec<_> = entries.iter().map(|((id, _), _)| id.as_str()).collect();
    assert_eq!(ids, ["process-a", "system-b"]);
    assert_eq!(entries[1].1.as_deref(), Some("2027-03-31"));
    let graph = r#"{"services": [], "calls": [{"caller": {"layer": "experience", "name": "c"},
        "callee": {"layer": "system", "name": "b"}, "methods": [], "exempt_until": "2027-03-31"}]}"#;
    let (_, skips, exempted) = committed(graph);
    assert_eq!(breaches(&skips, &exempted), [""; 0]);
    assert_eq!(breaches(&skips, &nobody).len(), 1);
}

#[test]
fn cargo_the_committed_graph_and_service_toml_agree() {
    let services = services();
    let file = ROOT.join("docs").join("graph.json");
    assert!(
        file.is_file(),
        "docs/graph.json is missing: write it with `cargo strata graph --write`"
    );
    let (owners, committed, reviewed) = committed(&read(&file));
    let (compiled, (declared, exempted)) = (compiled(&services), declared(&services));
    assert!(!compiled.is_empty());
    assert_eq!(differences(&compiled, &committed), [""; 0]);
    assert_eq!(differences(&compiled, &declared), [""; 0]);
    assert_eq!(committed, declared, "the methods differ");
    assert_eq!(reviewed, exempted, "the exemptions differ");

    let described = services.iter().map(|service| {
        let manifest = toml(&service.folder.join("service.toml"));
        assert_eq!(manifest["name"].as_str(), Some(&*service.name));
        assert_eq!(manifest["layer"].as_str(), Some(service.layer.as_str()));
        (service.id(), manifest["owner"].as_str().unwrap().to_owned())
    });
    assert_eq!(owners, described.collect());
}

#[test]
fn every_declared_call_obeys_the_rule() {
    let services = services();
    let (declared, exempted) = declared(&services);
    assert_eq!(breaches(&compiled(&services), &exempted), [""; 0]);
    assert_eq!(breaches(&declared, &exempted), [""; 0]);
}

/// The samples are what others are made like.
#[test]
fn no_sample_is_exempted() {
    let (_, exempted) = declared(&services());
    let samples = ["experience-storefront", "experience-support-desk"];
    let of_samples = exempted
        .keys()
        .filter(|(caller, _)| samples.contains(&caller.as_str()));
    assert_eq!(of_samples.count(), 0);
}

/// A contract is a description: no contract is compiled against another, so no call hides in one.
#[test]
fn no_contract_depends_on_another() {
    let contracts = METADATA.workspace_packages().into_iter();
    let contracts: Vec<_> = contracts
        .filter(|package| package.name.starts_with("proto-"))
        .collect();
    assert!(contracts.len() >= services().len());
    for contract in contracts {
        for dependency in &contract.dependencies {
            let name = &dependency.name;
            assert!(!name.starts_with("proto-"), "{} -> {name}", contract.name);
        }
    }
}
