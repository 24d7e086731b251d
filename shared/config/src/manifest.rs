//! service.toml: what a service is and what it calls.

use std::{collections::BTreeSet, path::Path};

use serde::Deserialize;
use strata_core::Layer;

use crate::{
    document::Document,
    error::{ConfigError, Problem},
    exemption::{Exemption, Expires},
    name::check_service_name,
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
    /// What it calls although the rule of the layers forbids it, for a while.
    #[serde(default)]
    pub exemptions: Vec<ManifestExemption>,
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

/// One service that the rule of the layers does not let this one call, the methods called there all the
/// same, and the [`Exemption`] that says why, by whom and until when.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestExemption {
    /// The callee's layer.
    pub layer: Layer,
    /// Its name.
    pub service: String,
    /// Its methods, `ListOrders`.
    pub methods: Vec<String>,
    reason: String,
    owner: String,
    expires: Expires,
}

impl ManifestExemption {
    /// Why, by whom and until when.
    #[must_use]
    pub fn exemption(&self) -> Exemption {
        Exemption {
            reason: self.reason.clone(),
            owner: self.owner.clone(),
            expires: self.expires,
        }
    }
}

/// A call that service.toml declares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge<'a> {
    /// The callee's layer.
    pub layer: Layer,
    /// Its name.
    pub service: &'a str,
    /// Its methods that are called.
    pub methods: &'a [String],
    /// What lets the call through that the rule forbids; none where the rule allows it.
    pub exemption: Option<Exemption>,
}

impl Manifest {
    /// Reads and checks a service.toml; `origin` is its name for messages. An exemption that is over is
    /// no mistake of the paper: [`Self::in_force`] tells.
    ///
    /// # Errors
    /// [`ConfigError`] with everything that is wrong.
    pub fn parse(text: &str, origin: &Path) -> Result<Self, ConfigError> {
        Ok(Self::document(text, origin)?.value)
    }

    /// As [`Self::parse`], and no exemption is over: what a service may start with.
    ///
    /// # Errors
    /// [`ConfigError`] with everything that is wrong.
    pub fn in_force(text: &str, origin: &Path) -> Result<Self, ConfigError> {
        let document = Self::document(text, origin)?;
        let entries = document.value.exemptions.iter().enumerate();
        let over = entries.filter_map(|(index, entry)| {
            let (key, what) = entry.exemption().over()?;
            Some(document.problem(&["exemptions", &index.to_string(), key], what))
        });
        let over: Vec<_> = over.collect();
        if over.is_empty() {
            Ok(document.value)
        } else {
            Err(over.into())
        }
    }

    fn document(text: &str, origin: &Path) -> Result<Document<Self>, ConfigError> {
        let document = Document::parse(text, origin)?;
        let problems = check(&document);
        if problems.is_empty() {
            Ok(document)
        } else {
            Err(problems.into())
        }
    }

    /// Every call it declares: those the rule allows, then those exempted from it.
    pub fn edges(&self) -> impl Iterator<Item = Edge<'_>> {
        let allowed = self.callee().into_iter().flat_map(|layer| {
            self.calls.iter().map(move |call| Edge {
                layer,
                service: &call.service,
                methods: &call.methods,
                exemption: None,
            })
        });
        allowed.chain(self.exemptions.iter().map(|entry| Edge {
            layer: entry.layer,
            service: &entry.service,
            methods: &entry.methods,
            exemption: Some(entry.exemption()),
        }))
    }

    /// What it declares of one service.
    #[must_use]
    pub fn edge(&self, layer: Layer, service: &str) -> Option<Edge<'_>> {
        self.edges()
            .find(|edge| edge.layer == layer && edge.service == service)
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
    let calls = manifest.calls.iter().enumerate();
    let calls = calls.map(|(at, call)| ("calls", at, &call.service, &call.methods));
    let exempted = manifest.exemptions.iter().enumerate();
    let exempted = exempted.map(|(at, entry)| ("exemptions", at, &entry.service, &entry.methods));
    let mut services = BTreeSet::new();
    for (list, index, service, called) in calls.chain(exempted) {
        let index = index.to_string();
        if let Err(invalid) = check_service_name(service) {
            let at = [list, &index, "service"];
            problems.push(document.problem(&at, format!("'service' {invalid}")));
        }
        // The configuration knows an upstream by its name alone.
        if !services.insert(service) {
            let what = format!("'{service}' is called twice: put all methods in one entry");
            problems.push(document.problem(&[list, &index, "service"], what));
        }
        if called.is_empty() {
            let what = "'methods' is empty: name what is called, or remove the entry";
            problems.push(document.problem(&[list, &index, "methods"], what));
        }
        let mut methods = BTreeSet::new();
        for (at, method) in called.iter().enumerate() {
            if !methods.insert(method) {
                let path = [list, &index, "methods", &at.to_string()];
                problems.push(document.problem(&path, format!("'{method}' is named twice")));
            }
        }
    }
    for (index, entry) in manifest.exemptions.iter().enumerate() {
        let index = index.to_string();
        let mut refuse = |key, what: String| {
            problems.push(document.problem(&["exemptions", &index, key], what));
        };
        if let Some(what) = not_exemptible(manifest.layer, entry.layer) {
            refuse("layer", what);
        }
        for (key, what) in entry.exemption().problems() {
            refuse(key, what);
        }
    }
    problems
}

/// Why a call can have no exemption, if so.
fn not_exemptible(caller: Layer, callee: Layer) -> Option<String> {
    if caller.may_call(callee) {
        Some(format!(
            "the {caller} layer may call the {callee} layer: move the entry to [[calls]]"
        ))
    } else if caller.may_be_exempted(callee) {
        None
    } else {
        Some(format!(
            "no exemption lets the {caller} layer call the {callee} layer: remove the entry"
        ))
    }
}

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

    /// An Experience API that calls a System API until so many days from now.
    fn exempted(days: i64) -> String {
        let expires = Expires::in_days(days);
        format!(
            "name = 'desk'\nlayer = 'experience'\nowner = 'a-team'\ndescription = 'Shows.'\n\
             [[calls]]\nservice = 'overview'\nmethods = ['GetOverview']\n\
             [[exemptions]]\nlayer = 'system'\nservice = 'orders'\nmethods = ['ListOrders']\n\
             reason = 'a migration'\nowner = 'a-team'\nexpires = '{expires}'\n"
        )
    }

    #[test]
    fn an_exemption_is_one_more_edge() {
        let manifest = parse(&exempted(30)).unwrap();
        let edges: Vec<_> = manifest.edges().collect();
        let exempt = |edge: &Edge<'_>| edge.exemption.as_ref().map(|it| it.expires);
        let edges = edges.iter().map(|it| (it.layer, it.service, exempt(it)));
        assert_eq!(
            edges.collect::<Vec<_>>(),
            [
                (Layer::Process, "overview", None),
                (Layer::System, "orders", Some(Expires::in_days(30))),
            ]
        );
        assert!(manifest.edge(Layer::System, "overview").is_none());
        assert_eq!(
            manifest.edge(Layer::System, "orders").unwrap().methods,
            ["ListOrders"]
        );
    }

    #[test]
    fn every_mistake_of_an_exemption_is_named() {
        assert!(parse(&exempted(30)).is_ok());
        let changed = |from: &str, to: &str| parse(&exempted(30).replace(from, to)).unwrap_err();
        assert_eq!(
            changed("'system'", "'process'"),
            "service.toml:9: the experience layer may call the process layer: move the entry to [[calls]]"
        );
        assert_eq!(
            changed("'system'", "'experience'"),
            "service.toml:9: no exemption lets the experience layer call the experience layer: remove the entry"
        );
        assert_eq!(
            changed("'orders'", "'overview'"),
            "service.toml:10: 'overview' is called twice: put all methods in one entry"
        );
        assert_eq!(
            changed("['ListOrders']", "[]"),
            "service.toml:11: 'methods' is empty: name what is called, or remove the entry"
        );
        assert_eq!(
            changed("'a migration'", "' '"),
            "service.toml:12: 'reason' is empty: say it, or remove the exemption"
        );
        assert_eq!(
            changed("owner = 'a-team'\nexpires", "owner = ''\nexpires"),
            "service.toml:13: 'owner' is empty: say it, or remove the exemption"
        );
        assert_eq!(
            changed("expires = '", "expires = 'x"),
            "service.toml:14: key 'exemptions.0.expires' is not valid: expected the text of a date, \
             such as \"2027-03-31\""
        );
        assert_eq!(
            changed("reason", "because"),
            "service.toml:12: unknown key 'exemptions.0.because'; expected one of layer, service, \
             methods, reason, owner, expires\n\
             service.toml:8: key 'exemptions.0.reason' is missing"
        );
        let late = parse(&exempted(181)).unwrap_err();
        assert!(
            late.starts_with("service.toml:14: 'expires' is more than 180 days ahead"),
            "{late}"
        );
        let process = exempted(30).replace("'experience'", "'process'");
        let process = parse(&process.replace("'system'", "'experience'")).unwrap_err();
        assert!(
            process.contains("no exemption lets the process layer call the experience layer"),
            "{process}"
        );
    }

    /// Over or not, the paper can be read: only what starts with it is refused.
    #[test]
    fn an_exemption_that_is_over_stops_the_service_and_no_tool() {
        let in_force = |text: &str| {
            let read = Manifest::in_force(text, Path::new("service.toml"));
            read.map_err(|error| error.to_string())
        };
        assert!(in_force(&exempted(0)).is_ok());
        assert!(parse(&exempted(-1)).is_ok());
        let over = in_force(&exempted(-1)).unwrap_err();
        assert!(
            over.starts_with("service.toml:14: the exemption ended on "),
            "{over}"
        );
    }
}
