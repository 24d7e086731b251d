//! TLS is decided in one place: rustls is named only where deny.toml says, and tonic has none of
//! its own, so that a client exists only over the connector of shared/net.

use std::collections::{BTreeMap, BTreeSet};

use crate::repository::{METADATA, ROOT, dependents, toml};

/// The crates by which TLS could be done otherwise.
const GUARDED: [&str; 3] = ["rustls", "rustls-webpki", "tokio-rustls"];

type Names = BTreeMap<String, BTreeSet<String>>;

/// Who may name each crate, as the bans of a deny.toml say.
fn wrappers(deny: &toml::Table) -> Names {
    let bans = deny["bans"]["deny"].as_array().unwrap().iter();
    bans.filter_map(|ban| {
        let wrappers = ban.get("wrappers")?.as_array()?.iter();
        let wrappers = wrappers.map(|name| name.as_str().unwrap().to_owned());
        Some((ban["crate"].as_str()?.to_owned(), wrappers.collect()))
    })
    .collect()
}

/// Guarded crates that nobody guards, and those that name one without leave.
fn trespassers(wrappers: &Names, dependents: &Names) -> Vec<String> {
    let mut found = Vec::new();
    for guarded in GUARDED {
        let Some(allowed) = wrappers.get(guarded) else {
            found.push(format!("{guarded} is guarded by no ban"));
            continue;
        };
        let named = dependents.get(guarded).into_iter().flatten();
        let strangers = named.filter(|name| !allowed.contains(*name));
        found.extend(strangers.map(|name| format!("{name} names {guarded}")));
    }
    found
}

/// Features of tonic that bring a TLS of its own.
fn tls_features(features: impl Iterator<Item = String>) -> Vec<String> {
    features.filter(|name| name.contains("tls")).collect()
}

#[test]
fn the_checks_find_what_is_wrong() {
    let deny = "[bans]\ndeny = [\n\
        { crate = 'rustls', wrappers = ['strata-tls'] },\n\
        { crate = 'tokio-rustls', wrappers = ['strata-net'] },\n\
        { crate = 'openssl' },\n]";
    let wrappers = wrappers(&deny.parse().unwrap());
    let named = |by: &str| BTreeSet::from(["strata-tls".to_owned(), by.to_owned()]);
    let dependents = Names::from([("rustls".to_owned(), named("system-orders"))]);
    assert_eq!(
        trespassers(&wrappers, &dependents),
        [
            "system-orders names rustls",
            "rustls-webpki is guarded by no ban"
        ]
    );
    let features = ["channel", "tls-ring", "_tls-any"].map(str::to_owned);
    assert_eq!(tls_features(features.into_iter()), ["tls-ring", "_tls-any"]);
}

#[test]
fn rustls_is_named_only_where_deny_toml_allows() {
    let dependents = dependents();
    assert!(dependents["rustls"].contains("strata-tls"));
    let wrappers = wrappers(&toml(&ROOT.join("deny.toml")));
    assert_eq!(trespassers(&wrappers, &dependents), [""; 0]);
}

#[test]
fn tonic_brings_no_tls() {
    let nodes = METADATA.resolve.as_ref().unwrap().nodes.iter();
    let tonic: Vec<_> = nodes
        .filter(|node| METADATA[&node.id].name.as_str() == "tonic")
        .collect();
    assert!(!tonic.is_empty());
    for node in tonic {
        let features = || node.features.iter().map(ToString::to_string);
        assert!(features().any(|name| name == "channel"));
        assert_eq!(tls_features(features()), [""; 0], "{}", node.id);
    }
}
