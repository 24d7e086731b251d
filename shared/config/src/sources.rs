//! The files and variables a value can come from, merged in order, and the one way values leave
//! them: into a type, with every mistake named by place and key, and never by value.

use std::{collections::BTreeMap, convert::Infallible, fmt, path::Path};

use figment::{
    Figment, Metadata, Profile, Provider,
    error::Kind,
    util::nest,
    value::{Dict, Map, Value},
};
use serde::de::DeserializeOwned;

use crate::{
    error::{Problem, describe},
    lines,
    tree::{at, at_mut, first_leaf, remove},
};

/// Merged sources; what comes later wins.
#[derive(Default)]
pub(crate) struct Sources {
    figment: Figment,
    files: Vec<File>,
    variables: BTreeMap<String, Variable>,
}

struct File {
    name: String,
    text: String,
}

struct Variable {
    key: String,
    text: String,
}

/// The values may be secrets, so only the names are shown.
impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let files = self.files.iter().map(|file| &file.name);
        f.debug_set()
            .entries(files)
            .entries(self.variables.keys())
            .finish()
    }
}

/// One file or variable, as figment takes it.
struct Source<'a> {
    name: &'a str,
    values: Dict,
}

impl Provider for Source<'_> {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.name.to_owned())
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Map::from([(Profile::Default, self.values.clone())]))
    }
}

impl Sources {
    /// Adds a value that holds where nothing else sets `key`, whose parts dots separate.
    pub(crate) fn add_default(&mut self, key: &str, value: impl Into<Value>) {
        self.merge("default", nest(key, value.into()));
    }

    /// Adds a TOML file with the given content.
    pub(crate) fn add_file(&mut self, file: &Path, text: &str) -> Result<(), Problem> {
        let name = file.display().to_string();
        let values = toml::from_str::<Dict>(text).map_err(|error| {
            let line = error.span().map(|span| lines::of_offset(text, span.start));
            Problem::new(
                lines::place(&name, line),
                format!("not valid TOML: {}", error.message()),
            )
        })?;
        self.merge(&name, values.into());
        self.files.push(File {
            name,
            text: text.to_owned(),
        });
        Ok(())
    }

    /// Adds an environment variable that sets `key`, whose parts dots separate.
    pub(crate) fn add_variable(&mut self, name: String, key: String, text: String) {
        let value = text
            .parse()
            .unwrap_or_else(|never: Infallible| match never {});
        self.merge(&name, nest(&key, value));
        self.variables.insert(name, Variable { key, text });
    }

    fn merge(&mut self, name: &str, values: Value) {
        if let Value::Dict(_, values) = values {
            self.figment = std::mem::take(&mut self.figment).merge(Source { name, values });
        }
    }

    /// Reads everything below `prefix` into `T`. A key with a problem is dropped and reading goes
    /// on, so that all problems are found at once; with any of them the value is not to be used.
    pub(crate) fn extract<T: DeserializeOwned>(
        &self,
        prefix: &[&str],
    ) -> (Option<T>, Vec<Problem>) {
        let values = self.values();
        let mut rest = at(&values, prefix)
            .cloned()
            .unwrap_or_else(|| Dict::new().into());
        let mut problems = Vec::new();
        let mut dropped = Vec::new();
        loop {
            let error = match rest.deserialize::<T>() {
                Ok(read) => return (Some(read), problems),
                Err(error) => error,
            };
            let mut path = error.path;
            if let Kind::MissingField(name) = &error.kind {
                path.push(name.to_string());
            }
            let full: Vec<&str> = prefix
                .iter()
                .copied()
                .chain(path.iter().map(String::as_str))
                .collect();
            // A number or a flag from the environment may have been meant as text.
            if let Some(slot) = at_mut(&mut rest, &path)
                && slot.as_str().is_none()
                && let Some(text) = self.variable_text(&values, &full)
            {
                *slot = text.into();
                continue;
            }
            if !dropped.contains(&path) {
                problems.push(self.problem(&full, describe(&full.join("."), &error.kind)));
            }
            match remove(&mut rest, &path) {
                Some(removed) => dropped.push(removed),
                None => return (None, problems),
            }
        }
    }

    /// A problem with the value at `path`.
    pub(crate) fn problem(&self, path: &[&str], what: impl Into<String>) -> Problem {
        Problem::new(self.place(path), what)
    }

    /// Where the value at `path` comes from: file and line, or variable. A missing value belongs
    /// into the first file.
    fn place(&self, path: &[&str]) -> String {
        let values = self.values();
        let source = self.source(&values, path);
        let file = match &source {
            Some(name) => self.files.iter().find(|file| file.name == *name),
            None => self.files.first(),
        };
        match file {
            Some(file) => lines::place(&file.name, lines::of_key(&file.text, path)),
            None => source.unwrap_or_default(),
        }
    }

    /// The name of the file or variable that sets `path`, when one does.
    pub(crate) fn origin(&self, path: &[&str]) -> Option<String> {
        self.source(&self.values(), path)
    }

    fn source(&self, values: &Value, path: &[&str]) -> Option<String> {
        let tag = first_leaf(at(values, path)?).tag();
        self.figment
            .get_metadata(tag)
            .map(|metadata| metadata.name.to_string())
    }

    fn variable_text(&self, values: &Value, path: &[&str]) -> Option<&str> {
        let variable = self.variables.get(&self.source(values, path)?)?;
        (variable.key == path.join(".")).then_some(variable.text.as_str())
    }

    fn values(&self) -> Value {
        self.figment
            .find_value("")
            .unwrap_or_else(|_| Dict::new().into())
    }
}
