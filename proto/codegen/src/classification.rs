//! `proto/classification.toml`: the kinds of value there are, and what some amount to together.

use std::{collections::BTreeMap, fs, path::Path};

use serde::Deserialize;
use strata_core::Label;

use crate::finding::Finding;

/// Its name, below the folder of all contracts.
pub(crate) const FILE: &str = "classification.toml";

/// Combined kinds have a bit each in what is generated.
const MOST: usize = 64;

/// What labels are read with.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Classification {
    /// By name.
    #[serde(default)]
    pub(crate) kinds: BTreeMap<String, Kind>,
    #[serde(default)]
    pub(crate) combinations: Vec<Combination>,
}

/// A kind of value.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Kind {
    /// In a sentence.
    pub(crate) meaning: String,
    /// What a field of the kind carries at least.
    pub(crate) least: Label,
}

/// Kinds of value that say more together.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Combination {
    /// All of these in one answer.
    pub(crate) kinds: Vec<String>,
    /// What they amount to.
    pub(crate) label: Label,
    /// Why.
    pub(crate) reason: String,
}

impl Classification {
    /// Reads the file below `root`.
    pub(crate) fn read(root: &Path) -> Result<Self, Finding> {
        let file = root.join(FILE);
        let text = fs::read_to_string(&file).map_err(|error| {
            Finding::new(
                FILE,
                "",
                format!("cannot be read: {error}; write one, even if it is empty"),
            )
        })?;
        Self::parse(&text)
    }

    pub(crate) fn parse(text: &str) -> Result<Self, Finding> {
        let read: Self = toml::from_str(text).map_err(|error| unreadable(text, &error))?;
        let vague = |(_, kind): &(&String, &Kind)| kind.meaning.trim().is_empty();
        if let Some((name, _)) = read.kinds.iter().find(vague) {
            let problem = "has no meaning: say in a sentence what its values are";
            return Err(Finding::new(FILE, &format!("kind {name}"), problem));
        }
        for combination in &read.combinations {
            let subject = format!("combination of {}", combination.kinds.join(" and "));
            if combination.kinds.len() < 2 {
                let problem = "names fewer than two kinds: a single kind's label is its fields'";
                return Err(Finding::new(FILE, &subject, problem));
            }
            if combination.reason.trim().is_empty() {
                let problem = "has no reason: say what the kinds amount to together";
                return Err(Finding::new(FILE, &subject, problem));
            }
            let unknown = combination
                .kinds
                .iter()
                .find(|kind| !read.kinds.contains_key(*kind));
            if let Some(kind) = unknown {
                let problem =
                    format!("names kind `{kind}`, which is not there: add [kinds.{kind}]");
                return Err(Finding::new(FILE, &subject, problem));
            }
        }
        if read.combined().len() > MOST {
            let problem = format!("combines more than {MOST} kinds: drop combinations");
            return Err(Finding::new(FILE, "", problem));
        }
        Ok(read)
    }

    /// The bit of a kind that is part of a combination; 0 for any other.
    pub(crate) fn bit(&self, kind: &str) -> u64 {
        let at = self
            .combined()
            .iter()
            .position(|combined| *combined == kind);
        at.map_or(0, |at| 1 << at)
    }

    /// The bits of a combination's kinds.
    pub(crate) fn bits(&self, combination: &Combination) -> u64 {
        combination
            .kinds
            .iter()
            .fold(0, |bits, kind| bits | self.bit(kind))
    }

    /// Every kind that is part of a combination, in the order of their names.
    fn combined(&self) -> Vec<&str> {
        let is_combined = |kind: &&str| {
            let mut combinations = self.combinations.iter();
            combinations.any(|combination| combination.kinds.iter().any(|one| one == kind))
        };
        self.kinds
            .keys()
            .map(String::as_str)
            .filter(is_combined)
            .collect()
    }
}

fn unreadable(text: &str, error: &toml::de::Error) -> Finding {
    let before = error.span().and_then(|span| text.get(..span.start));
    let place = match before {
        Some(before) => format!("{FILE}:{}", before.matches('\n').count() + 1),
        None => FILE.to_owned(),
    };
    Finding::new(
        &place,
        "",
        format!("{}: correct the entry", error.message()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const HONEST: &str = "
        [kinds.area]
        meaning = \"Where.\"
        least = { sensitivity = \"internal\" }
        [kinds.born]
        meaning = \"When.\"
        least = { sensitivity = \"confidential\", categories = [\"personal\"] }
        [kinds.name]
        meaning = \"Who.\"
        least = { sensitivity = \"internal\" }
        [[combinations]]
        kinds = [\"born\", \"area\"]
        label = { sensitivity = \"restricted\" }
        reason = \"They single out.\"
    ";

    #[test]
    fn only_what_is_combined_has_a_bit() {
        let read = Classification::parse(HONEST).unwrap();
        assert_eq!(
            [read.bit("area"), read.bit("born"), read.bit("name")],
            [1, 2, 0]
        );
        assert_eq!(read.bits(&read.combinations[0]), 3);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_remedy() {
        for (honest, wrong, expected) in [
            (
                "\"When.\"",
                "\"\"",
                "classification.toml: kind born has no meaning: say in a sentence what its values \
                 are",
            ),
            (
                "kinds = [\"born\", \"area\"]",
                "kinds = [\"born\"]",
                "classification.toml: combination of born names fewer than two kinds: a single \
                 kind's label is its fields'",
            ),
            (
                "\"They single out.\"",
                "\" \"",
                "classification.toml: combination of born and area has no reason: say what the \
                 kinds amount to together",
            ),
            (
                "kinds = [\"born\", \"area\"]",
                "kinds = [\"born\", \"sex\"]",
                "classification.toml: combination of born and sex names kind `sex`, which is not \
                 there: add [kinds.sex]",
            ),
        ] {
            let finding = Classification::parse(&HONEST.replace(honest, wrong)).unwrap_err();
            assert_eq!(finding.to_string(), expected);
        }
        let finding = Classification::parse("[kind.area]")
            .unwrap_err()
            .to_string();
        assert!(finding.contains("unknown field `kind`"), "{finding}");
    }
}
