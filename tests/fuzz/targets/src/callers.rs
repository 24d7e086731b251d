//! callers.toml: whoever it admits, it names.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
};

use anyhow::{Context as _, Result, ensure};
use strata_config::{Environment, Expires, trust_domain};
use strata_core::{Clearance, Label, Layer, Method, Sensitivity};
use strata_policy::{CallersFile, Denied};
use tempfile::TempDir;

use crate::{Target, Verdict};

/// The input is the file.
pub struct Callers {
    _folder: TempDir,
    file: PathBuf,
}

const ENVIRONMENT: Environment = Environment::Test;

const fn method(name: &'static str, path: &'static str) -> Method {
    Method {
        name,
        path,
        scope: "",
        purpose: "",
        idempotent: true,
        ceiling: Label::new(Sensitivity::Public, &[]),
        durable: false,
    }
}

static METHODS: [Method; 3] = [
    method("Get", "/s.S/Get"),
    method("List", "/s.S/List"),
    method("Put", "/s.S/Put"),
];

/// What an entry says, read without any of the code that decides by it.
struct Said {
    methods: BTreeSet<String>,
    clearance: Clearance,
    expires: Option<Expires>,
}

/// What the file says of each caller.
type Entries = BTreeMap<(Layer, String), Said>;

impl Target for Callers {
    const NAME: &'static str = "callers";

    fn new() -> Result<Self> {
        let folder = TempDir::new()?;
        Ok(Self {
            file: folder.path().join("callers.toml"),
            _folder: folder,
        })
    }

    fn honest(&self) -> Result<Vec<Vec<u8>>> {
        let one = "[[callers]]\nservice = 'overview'\nlayer = 'process'\nmethods = ['Get', 'List']\n\
                   clearance = { sensitivity = 'restricted', categories = ['personal'] }\n";
        let public = "[[callers]]\nservice = 'a-b'\nlayer = 'process'\nmethods = ['Put']\n";
        let exempted = "[[callers]]\nservice = 'desk'\nlayer = 'experience'\nmethods = ['Get']\n\
                        exemption = { reason = 'a migration', owner = 'team', expires = '2026-01-31' }\n";
        let of_process = one.replace("process", "experience");
        Ok([
            "callers = []\n".to_owned(),
            one.to_owned(),
            format!("{one}{public}"),
            format!("{exempted}{public}"),
            of_process,
        ]
        .map(String::into_bytes)
        .into())
    }

    fn check(&self, input: &[u8]) -> Result<Verdict> {
        fs::write(&self.file, input)?;
        let mut verdict = Verdict::Refused;
        for layer in Layer::ALL {
            let loaded = strata_policy::Callers::load(&self.file, layer, ENVIRONMENT, &METHODS);
            let checked = CallersFile::load(&self.file, layer);
            ensure!(
                loaded.is_err() || checked.is_ok(),
                "what `check` refuses is in force"
            );
            let Ok(callers) = loaded else {
                continue;
            };
            verdict = Verdict::Accepted;
            let said = said(input)?;
            ensure!(
                said.is_empty() || layer != Layer::Experience,
                "services call the experience layer"
            );
            grants_what_is_said(&callers, layer, &said)?;
        }
        Ok(verdict)
    }
}

/// Asks for every caller that could be meant, and every method.
fn grants_what_is_said(
    callers: &strata_policy::Callers,
    callee: Layer,
    said: &Entries,
) -> Result<()> {
    let names = said.keys().map(|(_, name)| name.as_str());
    let names: BTreeSet<_> = names.chain(["stranger"]).collect();
    for environment in Environment::ALL {
        for (layer, name) in Layer::ALL
            .into_iter()
            .flat_map(|layer| names.iter().map(move |name| (layer, *name)))
        {
            let caller = trust_domain(layer, environment)?.workload(name);
            let caller = caller.context("an entry names nobody")?;
            let entry = said.get(&(layer, name.to_owned()));
            let entry = entry.filter(|_| environment == ENVIRONMENT);
            for method in &METHODS {
                let decided = callers.decide(&caller, method.path);
                let expected = match entry {
                    None => Err(Denied::UnknownCaller),
                    Some(entry) if !entry.methods.contains(method.name) => {
                        Err(Denied::MethodNotAllowed)
                    }
                    Some(entry) if entry.expires.is_some_and(Expires::is_over) => {
                        Err(Denied::ExemptionExpired)
                    }
                    Some(entry) => Ok((entry.clearance, entry.expires.is_some())),
                };
                let grant = decided.map(|grant| (grant.clearance, grant.exempted));
                ensure!(grant == expected, "{caller} {}: {grant:?}", method.name);
                ensure!(
                    grant.is_err()
                        || layer.may_call(callee)
                        || entry.is_some_and(|it| it.expires.is_some()),
                    "{caller} is let through against the rule"
                );
            }
            let unknown = callers.decide(&caller, "/s.S/Drop");
            ensure!(unknown.is_err(), "{caller} may call what there is not");
        }
    }
    Ok(())
}

fn said(input: &[u8]) -> Result<Entries> {
    let document: toml::Table = std::str::from_utf8(input)?.parse()?;
    let callers = document.get("callers").and_then(toml::Value::as_array);
    let mut entries = Entries::new();
    for entry in callers.into_iter().flatten() {
        let get = |key: &str| entry.get(key).cloned();
        let layer = get("layer").context("no layer")?.try_into()?;
        let name = get("service").context("no service")?.try_into()?;
        let expires = entry.get("exemption").and_then(|it| it.get("expires"));
        let said = Said {
            methods: get("methods").context("no methods")?.try_into()?,
            clearance: get("clearance").map_or(Ok(Clearance::default()), toml::Value::try_into)?,
            expires: expires.cloned().map(toml::Value::try_into).transpose()?,
        };
        ensure!(
            entries.insert((layer, name), said).is_none(),
            "one of two entries counts"
        );
    }
    Ok(entries)
}
