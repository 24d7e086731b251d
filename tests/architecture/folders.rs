//! A service folder is the same everywhere, and each file names only what it is for.

use std::{collections::BTreeSet, path::Path};

use proc_macro2::{TokenStream, TokenTree};
use strata_core::Layer;

use crate::repository::{ROOT, Service, read, services, toml};

/// What every service has.
const EVERYWHERE: [&str; 12] = [
    "Cargo.toml",
    "config/base.toml",
    "config/dev.toml",
    "config/prod.toml",
    "config/staging.toml",
    "config/test.toml",
    "policy/access.cedar",
    "policy/networks.toml",
    "service.toml",
    "src/api.rs",
    "src/lib.rs",
    "src/main.rs",
];

const LONGEST_MAIN: usize = 20;

/// What a service has besides: by its layer, and whether it calls others.
fn besides(layer: Layer, calls: bool) -> BTreeSet<&'static str> {
    let own: &[&str] = match layer {
        Layer::System => &["migrations", "policy/callers.toml", "src/store.rs"],
        Layer::Process => &["policy/callers.toml"],
        Layer::Experience => &[
            "policy/consumers.toml",
            "policy/plans.toml",
            "policy/roles.toml",
        ],
    };
    // Who calls nobody has rules of its own at least.
    let more = match (layer, calls) {
        (Layer::System, _) | (_, false) => "src/domain.rs",
        (_, true) => "src/upstream.rs",
    };
    own.iter().copied().chain([more]).collect()
}

/// What a folder lacks, and what it has of another layer.
fn misplaced(layer: Layer, calls: bool, exists: impl Fn(&str) -> bool) -> Vec<String> {
    let own = besides(layer, calls);
    let missing = EVERYWHERE.iter().chain(&own).filter(|file| !exists(file));
    let all = Layer::ALL
        .into_iter()
        .flat_map(|layer| besides(layer, true));
    let foreign: BTreeSet<_> = all
        .filter(|file| !own.contains(file) && *file != "src/domain.rs" && exists(file))
        .collect();
    missing
        .map(|file| format!("{file} is missing"))
        .chain(foreign.iter().map(|file| format!("{file} is out of place")))
        .collect()
}

/// Every identifier of a source file; comments name nothing.
fn identifiers(source: &str) -> BTreeSet<String> {
    fn collect(tokens: TokenStream, found: &mut BTreeSet<String>) {
        for token in tokens {
            match token {
                TokenTree::Group(group) => collect(group.stream(), found),
                TokenTree::Ident(ident) => drop(found.insert(ident.to_string())),
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
        }
    }
    let mut found = BTreeSet::new();
    collect(source.parse().unwrap(), &mut found);
    found
}

/// What a file of a service names and must not.
fn intruders(service: &str, file: &Path, source: &str) -> Vec<String> {
    let own = format!("proto_{}", service.replace('-', "_"));
    let domain = file == Path::new("domain.rs");
    let foreign = |name: &str| {
        let contract = name.starts_with("proto_") && name != own;
        (contract && file != Path::new("upstream.rs"))
            || (name == "sqlx" && file != Path::new("store.rs"))
            || (domain && ["tonic", "axum", "sqlx"].contains(&name))
    };
    let names = identifiers(source).into_iter();
    names.filter(|name| foreign(name)).collect()
}

fn each(mut check: impl FnMut(&Service)) {
    for service in services() {
        check(&service);
    }
}

#[test]
fn the_checks_find_what_is_wrong() {
    for (layer, calls) in [
        (Layer::System, false),
        (Layer::Process, true),
        (Layer::Process, false),
        (Layer::Experience, true),
    ] {
        let whole: BTreeSet<_> = EVERYWHERE
            .into_iter()
            .chain(besides(layer, calls))
            .collect();
        assert!(misplaced(layer, calls, |file| whole.contains(file)).is_empty());
        for gone in &whole {
            let rest = |file: &str| file != *gone && whole.contains(file);
            let found = misplaced(layer, calls, rest);
            assert_eq!(found, [format!("{gone} is missing")]);
        }
        if layer != Layer::System {
            let store = |file: &str| file == "src/store.rs" || whole.contains(file);
            assert_eq!(
                misplaced(layer, calls, store),
                ["src/store.rs is out of place"]
            );
        }
    }

    let intruders = |file: &str, source| intruders("process-a", Path::new(file), source);
    assert_eq!(intruders("domain.rs", "use tonic::Status;"), ["tonic"]);
    assert_eq!(intruders("api.rs", "fn f() { sqlx::query(X) }"), ["sqlx"]);
    assert_eq!(
        intruders("api.rs", "use proto_system_b::v1::B;"),
        ["proto_system_b"]
    );
    assert!(intruders("api.rs", "use proto_process_a::v1::A; // sqlx").is_empty());
    assert!(intruders("upstream.rs", "use proto_system_b::v1::B;").is_empty());
    assert!(intruders("store.rs", "use sqlx::Row;").is_empty());
}

#[test]
fn every_service_folder_has_the_same_files() {
    each(|service| {
        let exists = |file: &str| service.folder.join(file).exists();
        let calls = toml(&service.folder.join("service.toml")).contains_key("calls");
        let found = misplaced(service.layer, calls, exists);
        assert_eq!(found, [""; 0], "{}", service.id());
        let contract = ROOT
            .join("proto")
            .join(service.layer.as_str())
            .join(&service.name);
        for file in ["Cargo.toml", "build.rs", "src/lib.rs", "v1"] {
            let file = contract.join(file);
            assert!(file.exists(), "{} is missing", file.display());
        }
    });
}

#[test]
fn a_main_is_a_few_lines() {
    each(|service| {
        let lines = read(&service.folder.join("src/main.rs")).lines().count();
        assert!(lines <= LONGEST_MAIN, "{}: {lines} lines", service.id());
    });
}

#[test]
fn each_file_names_only_what_it_is_for() {
    each(|service| {
        for (file, source) in service.sources() {
            let found = intruders(&service.id(), &file, &source);
            assert_eq!(found, [""; 0], "{} {}", service.id(), file.display());
        }
    });
}
