//! service.toml: what a service is and what it calls.

use std::{collections::BTreeSet, path::Path};

use serde::Deserialize;
use strata_core::Layer;

use crate::{
    document::Document,
    error::{ConfigError, Problem},
};

/// What a service says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The service's name: its folder, and the path of its SPIFFE ID.
    pub name: String,
    /// Its layer.
    pub layer: Layer,
    /// The team that answers for it.
    pub owner: String,
    /// What it is for, in one sentence.
    pub description: String,
    /// Whether its binary can fill its system of record with demo data (`seed`).
    #[serde(default)]
    pub seed: bool,
    /// What it calls in the layer below.
    #[serde(default)]
    pub calls: Vec<ManifestCall>,
}

/// One service of the layer below, and the methods called there.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestCall {
    /// The callee's name.
    pub service: String,
    /// Its methods, `GetCustomer`.
    pub methods: Vec<String>,
}

impl Manifest {
    /// Reads and checks a service.toml; `origin` is its name for messages.
    ///
    /// # Errors
    /// [`ConfigError`] with everything that is wrong.
    pub fn parse(text: &str, origin: &Path) -> Result<Self, ConfigError> {
        let document = Document::<Self>::parse(text, origin)?;
        let problems = check(&document);
        if problems.is_empty() {
            Ok(document.value)
        } else {
            Err(problems.into())
        }
    }

    /// The layer of everything this service calls; none for a System API.
    #[must_use]
    pub fn callee(&self) -> Option<Layer> {
        self.layer.callees().next()
    }
}

fn check(document: &Document<Manifest>) -> Vec<Problem> {
    let manifest = &document.value;
    let mut problems = Vec::new();
    if let Err(invalid) = check_service_name(&manifest.name) {
        problems.push(document.problem(&["name"], format!("'name' {invalid}")));
    }
    for (key, text) in [
        ("owner", &manifest.owner),
        ("description", &manifest.description),
    ] {
        if text.trim().is_empty() {
            problems.push(document.problem(&[key], format!("'{key}' is empty")));
        }
    }
    if manifest.callee().is_none() && !manifest.calls.is_empty() {
        let what = format!(
            "the {} layer calls no API: remove [[calls]]",
            manifest.layer
        );
        problems.push(document.problem(&["calls"], what));
    }
    let mut services = BTreeSet::new();
    for (index, call) in manifest.calls.iter().enumerate() {
        let index = index.to_string();
        if let Err(invalid) = check_service_name(&call.service) {
            let at = ["calls", &index, "service"];
            problems.push(document.problem(&at, format!("'service' {invalid}")));
        }
        if !services.insert(&call.service) {
            let what = format!(
                "'{}' is called twice: put all methods in one entry",
                call.service
            );
            problems.push(document.problem(&["calls", &index, "service"], what));
        }
        if call.methods.is_empty() {
            let what = "'methods' is empty: name what is called, or remove the entry";
            problems.push(document.problem(&["calls", &index, "methods"], what));
        }
        let mut methods = BTreeSet::new();
        for (at, method) in call.methods.iter().enumerate() {
            if !methods.insert(method) {
                let path = ["calls", &index, "methods", &at.to_string()];
                problems.push(document.problem(&path, format!("'{method}' is named twice")));
            }
        }
    }
    problems
}

/// A name no service can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    /// Not the syntax every place it stands in can take (DNS label, SPIFFE path, package).
    #[error(
        "must be at most 63 lower-case letters, digits and single dashes, and start with a letter"
    )]
    Syntax,
    /// A word Rust keeps for itself: the name is also a module's.
    #[error("must not be a Rust keyword")]
    Keyword,
}

/// Whether a service can have this name.
///
/// # Errors
/// [`InvalidName`] says why not.
pub fn check_service_name(name: &str) -> Result<(), InvalidName> {
    let parts_fit = name.split('-').all(|part| {
        !part.is_empty()
            && part
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    });
    if !parts_fit || name.len() > 63 || !name.starts_with(|c: char| c.is_ascii_lowercase()) {
        return Err(InvalidName::Syntax);
    }
    if KEYWORDS.contains(&name) {
        Err(InvalidName::Keyword)
    } else {
        Ok(())
    }
}

/// The Rust Reference, "Keywords": strict and reserved ones in lower case, and `union`-like ones
/// that are only weak left out.
const KEYWORDS: [&str; 51] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate",
    "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl",
    "in", "let", "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref",
    "return", "self", "static", "struct", "super", "trait", "true", "try", "type", "typeof",
    "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "name = 'customer-overview'\nlayer = 'process'\nowner = 'a-team'\n\
        description = 'Blends.'\n[[calls]]\nservice = 'customers'\nmethods = ['GetCustomer']\n";

    fn parse(text: &str) -> Result<Manifest, String> {
        Manifest::parse(text, Path::new("service.toml")).map_err(|error| error.to_string())
    }

    #[test]
    fn reads_what_a_service_is() {
        let manifest = parse(GOOD).unwrap();
        assert_eq!(
            (manifest.layer, manifest.callee()),
            (Layer::Process, Some(Layer::System))
        );
        assert_eq!(manifest.calls[0].methods, ["GetCustomer"]);
        assert!(!manifest.seed);
    }

    #[test]
    fn refuses_calls_from_the_layer_that_calls_nothing() {
        assert_eq!(
            parse(&GOOD.replace("'process'", "'system'")).unwrap_err(),
            "service.toml:5: the system layer calls no API: remove [[calls]]"
        );
    }

    #[test]
    fn reports_all_mistakes_at_once() {
        let text = GOOD
            .replace("customer-overview", "match")
            .replace("'a-team'", "' '")
            + "[[calls]]\nservice = 'customers'\nmethods = []\n";
        assert_eq!(
            parse(&text).unwrap_err().lines().collect::<Vec<_>>(),
            [
                "service.toml:1: 'name' must not be a Rust keyword",
                "service.toml:3: 'owner' is empty",
                "service.toml:9: 'customers' is called twice: put all methods in one entry",
                "service.toml:10: 'methods' is empty: name what is called, or remove the entry",
            ]
        );
        assert_eq!(
            parse(&GOOD.replace("'process'", "'proces'")).unwrap_err(),
            "service.toml:2: key 'layer' is not valid: expected one of system, process, experience"
        );
        assert_eq!(
            parse(&GOOD.replace("owner", "owned")).unwrap_err(),
            "service.toml:3: unknown key 'owned'; did you mean 'owner'?\n\
             service.toml: key 'owner' is missing"
        );
        assert_eq!(
            parse(&GOOD.replace("['GetCustomer']", "['A', 'A']")).unwrap_err(),
            "service.toml:7: 'A' is named twice"
        );
    }

    #[test]
    fn names_are_dns_labels_and_modules() {
        for name in ["a", "customers", "customer-overview", "v2"] {
            assert_eq!(check_service_name(name), Ok(()), "{name}");
        }
        let long = "a".repeat(64);
        for name in [
            "",
            "-a",
            "a-",
            "a--b",
            "A",
            "a_b",
            "2a",
            "a.b",
            "ä",
            long.as_str(),
        ] {
            assert_eq!(check_service_name(name), Err(InvalidName::Syntax), "{name}");
        }
        assert_eq!(check_service_name("yield"), Err(InvalidName::Keyword));
    }
}
