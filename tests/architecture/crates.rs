//! Who depends on what: a store is the System layer's alone, no service reaches round shared/service,
//! and every crate is held to the same lints.

use std::collections::BTreeSet;

use cargo_metadata::DependencyKind;
use strata_core::Layer;

use crate::repository::{METADATA, ROOT, services, toml, tree};

/// Crates that open a database.
const DRIVERS: [&str; 20] = [
    "diesel",
    "libsqlite3-sys",
    "mongodb",
    "mysql",
    "mysql_async",
    "odbc-api",
    "oracle",
    "postgres",
    "rusqlite",
    "sea-orm",
    "sled",
    "sqlx",
    "sqlx-core",
    "sqlx-mysql",
    "sqlx-postgres",
    "sqlx-sqlite",
    "strata-store",
    "surrealdb",
    "tiberius",
    "tokio-postgres",
];

/// Crates of the repository that a service names itself. Everything else of shared/ reaches it
/// through shared/service, with the controls around it.
const FOR_SERVICES: [&str; 3] = ["strata-core", "strata-service", "strata-store"];

fn drivers(tree: &BTreeSet<String>) -> Vec<&str> {
    let names = tree.iter().map(String::as_str);
    names.filter(|name| DRIVERS.contains(name)).collect()
}

/// What a service names of the repository and must not: another service, or what has no controls.
fn out_of_reach<'a>(dependencies: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    dependencies
        .filter(|name| !name.starts_with("proto-") && !FOR_SERVICES.contains(name))
        .collect()
}

fn inherits_lints(manifest: &toml::Table) -> bool {
    let lints = manifest.get("lints").and_then(toml::Value::as_table);
    lints == Some(&toml::toml! { workspace = true })
}

#[test]
fn the_checks_find_what_is_wrong() {
    let tree = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    assert_eq!(drivers(&tree(&["serde", "sqlx-core"])), ["sqlx-core"]);
    assert!(drivers(&tree(&["serde"])).is_empty());

    let named = ["proto-system-b", "strata-service", "strata-tls", "system-b"];
    assert_eq!(out_of_reach(named.into_iter()), ["strata-tls", "system-b"]);

    let inherits = |text: &str| inherits_lints(&text.parse().unwrap());
    assert!(inherits("[lints]\nworkspace = true"));
    for bad in [
        "",
        "[lints]\nworkspace = false",
        "[lints.rust]\nunsafe_code = 'allow'",
    ] {
        assert!(!inherits(bad), "{bad}");
    }
}

#[test]
fn only_a_system_api_can_open_a_store() {
    for service in services() {
        let tree = tree(&service.package().id);
        let found = drivers(&tree);
        if service.layer == Layer::System {
            assert!(!found.is_empty(), "{}: does the check see?", service.id());
        } else {
            assert_eq!(found, [""; 0], "{}", service.id());
        }
    }
}

#[test]
fn no_service_reaches_round_the_stack() {
    let members: BTreeSet<_> = METADATA
        .workspace_packages()
        .into_iter()
        .map(|package| package.name.to_string())
        .collect();
    for service in services() {
        let dependencies = service.package().dependencies.iter();
        let shipped = dependencies
            .filter(|dependency| dependency.kind != DependencyKind::Development)
            .map(|dependency| dependency.name.as_str())
            .filter(|name| members.contains(*name));
        assert_eq!(out_of_reach(shipped), [""; 0], "{}", service.id());
        for tool in ["strata-estate", "strata-testkit"] {
            assert!(!tree(&service.package().id).contains(tool));
        }
    }
}

#[test]
fn every_crate_inherits_the_lints() {
    let lints = &toml(&ROOT.join("Cargo.toml"))["workspace"]["lints"];
    assert_eq!(lints["rust"]["unsafe_code"].as_str(), Some("forbid"));
    for lint in ["unwrap_used", "expect_used", "panic", "indexing_slicing"] {
        assert_eq!(lints["clippy"][lint].as_str(), Some("deny"), "{lint}");
    }
    for package in METADATA.workspace_packages() {
        let manifest = toml(package.manifest_path.as_std_path());
        assert!(inherits_lints(&manifest), "{}", package.manifest_path);
    }
}
