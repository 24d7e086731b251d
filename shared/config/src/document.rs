//! One TOML document of the estate: service.toml, callers.toml.

use std::path::Path;

use serde::de::DeserializeOwned;

use crate::{
    error::{ConfigError, Problem},
    sources::Sources,
};

/// A document read into `T`, which still knows on which line each key stands.
#[derive(Debug)]
pub struct Document<T> {
    /// What it says.
    pub value: T,
    sources: Sources,
}

impl<T: DeserializeOwned> Document<T> {
    /// Reads `text`; `origin` is the file's name for messages.
    ///
    /// # Errors
    /// [`ConfigError`] with every unknown key, missing key and wrong type.
    pub fn parse(text: &str, origin: &Path) -> Result<Self, ConfigError> {
        let mut sources = Sources::default();
        sources.add_file(origin, text)?;
        let (value, problems) = sources.extract(&[]);
        match value {
            Some(value) if problems.is_empty() => Ok(Self { value, sources }),
            _ => Err(problems.into()),
        }
    }
}

impl<T> Document<T> {
    /// A problem at the key `path` names; an element of an array is named by its index.
    #[must_use]
    pub fn problem(&self, path: &[&str], what: impl Into<String>) -> Problem {
        self.sources.problem(path, what)
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Paper {
        entries: Vec<Entry>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Entry {
        name: String,
        #[serde(default)]
        tags: Vec<String>,
    }

    fn parse(text: &str) -> Result<Document<Paper>, String> {
        Document::parse(text, Path::new("paper.toml")).map_err(|error| error.to_string())
    }

    #[test]
    fn places_are_lines() {
        let paper =
            parse("[[entries]]\nname = 'a'\n\n[[entries]]\nname = 'b'\ntags = [\n 'x',\n 'y']\n")
                .unwrap();
        assert_eq!(paper.value.entries[1].name, "b");
        assert_eq!(paper.value.entries[1].tags, ["x", "y"]);
        let place = |path: &[&str]| paper.problem(path, "no").to_string();
        assert_eq!(place(&["entries", "1", "name"]), "paper.toml:5: no");
        assert_eq!(place(&["entries", "1", "tags", "1"]), "paper.toml:8: no");
        assert_eq!(place(&["entries", "0", "tags"]), "paper.toml:1: no");
        assert_eq!(place(&[]), "paper.toml: no");
    }

    #[test]
    fn each_mistake_is_said_with_its_key() {
        assert_eq!(
            parse("[[entries]]\nname = 'a'\ntagz = []\n").unwrap_err(),
            "paper.toml:3: unknown key 'entries.0.tagz'; did you mean 'tags'?"
        );
        assert_eq!(
            parse("[[entries]]\nname = 'secret'\ntags = 'hidden'\n").unwrap_err(),
            "paper.toml:3: key 'entries.0.tags' is not valid: expected an array"
        );
        assert_eq!(
            parse("[[entries]]\ntags = []\n").unwrap_err(),
            "paper.toml:1: key 'entries.0.name' is missing"
        );
        assert_eq!(
            parse("").unwrap_err(),
            "paper.toml: key 'entries' is missing"
        );
        let syntax = parse("[[entries]]\nname = secret\n").unwrap_err();
        assert!(
            syntax.starts_with("paper.toml:2: not valid TOML: "),
            "{syntax}"
        );
        assert!(!syntax.contains("secret"), "{syntax}");
    }
}
