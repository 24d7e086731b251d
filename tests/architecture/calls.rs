//! Who calls whom: Cargo's dependencies, the committed graph and every service.toml say the same,
//! and what they say obeys the rule of the layers.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::DependencyKind;
use strata_core::Layer;

use crate::repository::{METADATA, ROOT, Service, read, services, toml};

/// Caller and callee, each `<layer>-<name>`, and the methods where they are named.
type Calls = BTreeMap<(String, String), BTreeSet<String>>;

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

/// What every service.toml says.
fn declared(services: &[Service]) -> Calls {
    let mut calls = Calls::new();
    for service in services {
        let manifest = toml(&service.folder.join("service.toml"));
        let entries = manifest.get("calls").and_then(toml::Value::as_array);
        for entry in entries.into_iter().flatten() {
            let below = service.layer.callees().next();
            let below = below.unwrap_or_else(|| panic!("{} may call nobody", service.id()));
            let callee = format!("{below}-{}", entry["service"].as_str().unwrap());
            let methods = entry["methods"].as_array().unwrap().iter();
            let methods = methods.map(|method| method.as_str().unwrap().to_owned());
            calls.insert((service.id(), callee), methods.collect());
        }
    }
    calls
}

/// What docs/graph.json says.
fn committed(text: &str) -> (BTreeMap<String, String>, Calls) {
    let graph: serde_json::Value = serde_json::from_str(text).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let id = |end: &serde_json::Value| format!("{}-{}", text(&end["layer"]), text(&end["name"]));
    let owners = graph["services"].as_array().unwrap().iter();
    let owners = owners.map(|service| (id(service), text(&service["owner"])));
    let calls = graph["calls"].as_array().unwrap().iter().map(|call| {
        let methods = call["methods"].as_array().unwrap().iter().map(text);
        (
            (id(&call["caller"]), id(&call["callee"])),
            methods.collect(),
        )
    });
    (owners.collect(), calls.collect())
}

/// The calls one side has and the other has not.
fn differences(one: &Calls, other: &Calls) -> Vec<String> {
    let of = |calls: &Calls| calls.keys().cloned().collect::<BTreeSet<_>>();
    of(one)
        .symmetric_difference(&of(other))
        .map(|(caller, callee)| format!("{caller} -> {callee}"))
        .collect()
}

/// The calls that break the rule.
fn breaches(calls: &Calls) -> Vec<String> {
    let layer = |id: &str| id.split_once('-').unwrap().0.parse::<Layer>().unwrap();
    calls
        .keys()
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
    assert!(breaches(&two).is_empty());
    for breach in [
        ("experience-c", "system-b"),
        ("experience-c", "experience-d"),
        ("process-a", "process-d"),
        ("process-a", "experience-c"),
        ("system-b", "system-d"),
        ("system-b", "process-a"),
    ] {
        assert_eq!(breaches(&calls(&[breach])).len(), 1, "{breach:?}");
    }
}

#[test]
fn cargo_the_committed_graph_and_service_toml_agree() {
    let services = services();
    let file = ROOT.join("docs").join("graph.json");
    assert!(
        file.is_file(),
        "docs/graph.json is missing: write it with `cargo strata graph --write`"
    );
    let (owners, committed) = committed(&read(&file));
    let (compiled, declared) = (compiled(&services), declared(&services));
    assert!(!compiled.is_empty());
    assert_eq!(differences(&compiled, &committed), [""; 0]);
    assert_eq!(differences(&compiled, &declared), [""; 0]);
    assert_eq!(committed, declared, "the methods differ");

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
    assert_eq!(breaches(&compiled(&services)), [""; 0]);
    assert_eq!(breaches(&declared(&services)), [""; 0]);
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
