//! callers.toml as it is written.

use std::{
    collections::BTreeSet,
    fs,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use serde::Deserialize;
use strata_config::{ConfigError, Document, Exemption, Problem, check_service_name};
use strata_core::{Clearance, Layer, Method, spiffe::SpiffeError};

/// The callers a service admits.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallersFile {
    /// One entry per calling service.
    #[serde(default)]
    pub callers: Vec<CallerEntry>,
}

/// One caller and what it is granted.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallerEntry {
    /// Its name.
    pub service: String,
    /// Its layer.
    pub layer: Layer,
    /// The methods it may call, `GetCustomer`.
    pub methods: Vec<String>,
    /// What it may be answered; public data alone where nothing is said.
    #[serde(default)]
    pub clearance: Clearance,
    /// What lets it call although the rule of the layers forbids it; none where the rule allows it.
    pub exemption: Option<Exemption>,
}

/// Why a policy file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// The document has mistakes.
    #[error(transparent)]
    Document(#[from] ConfigError),
    /// The file is there and cannot be read.
    #[error("{}: cannot be read: {}", file.display(), source.kind())]
    Unreadable {
        /// Which file.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A caller's name makes no SPIFFE ID.
    #[error("caller '{service}' has no SPIFFE ID")]
    Identity {
        /// Its name.
        service: String,
        /// What is wrong with it.
        source: SpiffeError,
    },
}

impl CallersFile {
    /// The callers that call by an exemption, over or not, and what it says.
    pub fn exempted(&self) -> impl Iterator<Item = (&CallerEntry, &Exemption)> {
        let entries = self.callers.iter();
        entries.filter_map(|entry| Some((entry, entry.exemption.as_ref()?)))
    }

    /// Reads and checks the callers.toml of a service in `layer`. A missing file admits nobody.
    ///
    /// # Errors
    /// [`PolicyError`] with everything that is wrong.
    pub fn load(file: &Path, layer: Layer) -> Result<Self, PolicyError> {
        read(file, |document| check(document, layer))
    }

    /// As [`CallersFile::load`], and every method named must be one of `methods`.
    pub(crate) fn load_for(
        file: &Path,
        layer: Layer,
        methods: &[Method],
    ) -> Result<Self, PolicyError> {
        read(file, |document| {
            let mut problems = check(document, layer);
            problems.extend(unknown_methods(document, methods));
            problems
        })
    }
}

fn read(
    file: &Path,
    check: impl FnOnce(&Document<CallersFile>) -> Vec<Problem>,
) -> Result<CallersFile, PolicyError> {
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(CallersFile::default()),
        Err(source) => {
            return Err(PolicyError::Unreadable {
                file: file.to_owned(),
                source,
            });
        }
    };
    let document = Document::parse(&text, file)?;
    let problems = check(&document);
    if problems.is_empty() {
        Ok(document.value)
    } else {
        Err(ConfigError::from(problems).into())
    }
}

fn check(document: &Document<CallersFile>, layer: Layer) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut refuse = |path: &[&str], what: String| problems.push(document.problem(path, what));
    let mut seen = BTreeSet::new();
    for (index, entry) in document.value.callers.iter().enumerate() {
        let index = index.to_string();
        let at = |key: &'static str| ["callers", index.as_str(), key];
        if let Err(invalid) = check_service_name(&entry.service) {
            refuse(&at("service"), format!("'service' {invalid}"));
        }
        if let Some((key, what)) = forbidden(entry, layer) {
            refuse(&at(key), what);
        }
        for (key, what) in entry.exemption.iter().flat_map(Exemption::problems) {
            refuse(&["callers", &index, "exemption", key], what);
        }
        if !seen.insert((entry.layer, &entry.service)) {
            let what = format!("caller '{}' has two entries: make them one", entry.service);
            refuse(&at("service"), what);
        }
        if entry.methods.is_empty() {
            let what = "'methods' is empty: name what it may call, or remove the entry";
            refuse(&at("methods"), what.to_owned());
        }
        let mut methods = BTreeSet::new();
        for (position, method) in entry.methods.iter().enumerate() {
            if !methods.insert(method) {
                let path = ["callers", &index, "methods", &position.to_string()];
                refuse(&path, format!("method '{method}' is named twice"));
            }
        }
    }
    problems
}

/// Why the rule of the layers forbids the entry, if it does: the key, and what to do.
fn forbidden(entry: &CallerEntry, layer: Layer) -> Option<(&'static str, String)> {
    let caller = entry.layer;
    match (&entry.exemption, layer.callers().next()) {
        (_, None) => {
            let what = format!("no service calls the {layer} layer: remove the entry");
            Some(("layer", what))
        }
        (None, Some(_)) if caller.may_call(layer) => None,
        (Some(_), Some(_)) if caller.may_be_exempted(layer) => None,
        (Some(_), Some(_)) if caller.may_call(layer) => {
            let what = format!("the {caller} layer may call the {layer} layer: remove 'exemption'");
            Some(("exemption", what))
        }
        (_, Some(may)) => {
            let what = format!("the {caller} layer may not call the {layer} layer: {may} may");
            Some(("layer", what))
        }
    }
}

fn unknown_methods(document: &Document<CallersFile>, methods: &[Method]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (index, entry) in document.value.callers.iter().enumerate() {
        for (position, name) in entry.methods.iter().enumerate() {
            if !methods.iter().any(|method| method.name == name) {
                let path = [
                    "callers",
                    &index.to_string(),
                    "methods",
                    &position.to_string(),
                ];
                let known: Vec<_> = methods.iter().map(|method| method.name).collect();
                let what = format!("unknown method '{name}': expected {}", known.join(", "));
                problems.push(document.problem(&path, what));
            }
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use strata_config::Expires;

    use super::*;

    /// An Experience API that may call a System API until so many days from now.
    fn exempted(days: i64) -> String {
        let expires = Expires::in_days(days);
        format!(
            "[[callers]]\nservice = 'desk'\nlayer = 'experience'\nmethods = ['Get']\n\
             exemption = {{ reason = 'a migration', owner = 'team', expires = '{expires}' }}\n"
        )
    }

    fn load(text: &str) -> Result<CallersFile, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("callers.toml");
        fs::write(&file, text).unwrap();
        let prefix = format!("{}/", folder.path().display());
        CallersFile::load(&file, Layer::System)
            .map_err(|error| error.to_string().replace(&prefix, ""))
    }

    #[test]
    fn mistakes_of_an_exemption_are_named() {
        assert_eq!(load(&exempted(90)).unwrap().exempted().count(), 1);
        // Whoever calls by the rule is served on, whatever day it is.
        assert!(load(&exempted(-1)).is_ok());
        let changed = |from: &str, to: &str| load(&exempted(90).replace(from, to)).unwrap_err();
        assert_eq!(
            changed("'experience'", "'process'"),
            "callers.toml:5: the process layer may call the system layer: remove 'exemption'"
        );
        let forbidden = "layer may not call the system layer: process may";
        assert_eq!(
            changed("'experience'", "'system'"),
            format!("callers.toml:3: the system {forbidden}")
        );
        assert_eq!(
            changed("exemption =", "# "),
            format!("callers.toml:3: the experience {forbidden}")
        );
        assert_eq!(
            changed("'a migration'", "''"),
            "callers.toml:5: 'reason' is empty: say it, or remove the exemption"
        );
        assert_eq!(
            changed("'team'", "' '"),
            "callers.toml:5: 'owner' is empty: say it, or remove the exemption"
        );
        assert_eq!(
            changed("owner = 'team', ", ""),
            "callers.toml:5: key 'callers.0.exemption.owner' is missing"
        );
        let late = load(&exempted(181)).unwrap_err();
        let expected = "callers.toml:5: 'expires' is more than 180 days";
        assert!(late.starts_with(expected), "{late}");
    }
}
