//! What is tried, what must happen, and what holds it.

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

const TABLE: &str = include_str!("catalogue.toml");
const CONTROLS: &str = include_str!("../weakened/controls.toml");

/// `catalogue.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Catalogue {
    pub(crate) groups: Vec<Group>,
    /// What no test shows yet.
    pub(crate) later: Vec<Later>,
}

/// Attacks of one kind.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Group {
    pub(crate) title: String,
    pub(crate) rows: Vec<Row>,
}

/// An attack.
#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Row {
    /// A letter and a number.
    pub(crate) id: String,
    /// What is tried.
    pub(crate) tried: String,
    /// What must happen.
    pub(crate) must: String,
    /// The tests that show it: the source file and the function.
    pub(crate) tests: Vec<Held>,
    /// What was taken away by hand, and the test that failed by it. What `tests/weakened` takes away stands
    /// there.
    #[serde(default)]
    pub(crate) by_hand: Vec<TakenAway>,
    /// Of the OWASP API Security Top 10 2023.
    #[serde(default)]
    pub(crate) api: Vec<String>,
    /// Of the OWASP ASVS 5.0.0.
    #[serde(default)]
    pub(crate) asvs: Vec<String>,
    /// Of NIST: the publication, and the number of the recommendation where it has one.
    #[serde(default)]
    pub(crate) nist: Vec<String>,
}

/// A test by its place: `tests/e2e/tokens.rs a_wrong_token_is_refused`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String")]
pub(crate) struct Held {
    pub(crate) file: String,
    pub(crate) function: String,
}

/// A control that was taken away once.
#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TakenAway {
    /// Where it stands.
    pub(crate) file: String,
    /// What was done to it.
    pub(crate) change: String,
    /// The function of the test that failed.
    pub(crate) test: String,
}

/// A row that is not there yet.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Later {
    pub(crate) id: String,
    pub(crate) tried: String,
}

/// What `tests/weakened` takes away.
#[derive(Deserialize)]
pub(crate) struct Control {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) rows: Vec<String>,
    pub(crate) test: String,
}

#[derive(Deserialize)]
struct Controls {
    controls: Vec<Control>,
}

impl TryFrom<String> for Held {
    type Error = anyhow::Error;

    fn try_from(text: String) -> Result<Self> {
        let (file, function) = text
            .split_once(' ')
            .context("a test is a file, a space and a function")?;
        Ok(Self {
            file: file.to_owned(),
            function: function.to_owned(),
        })
    }
}

impl Catalogue {
    pub(crate) fn read() -> Result<Self> {
        toml::from_str(TABLE).context("tests/attacks/catalogue.toml")
    }

    pub(crate) fn rows(&self) -> impl Iterator<Item = &Row> {
        self.groups.iter().flat_map(|group| &group.rows)
    }
}

impl Row {
    /// Those of `tests/weakened` that are tried by this row.
    pub(crate) fn controls<'a>(
        &'a self,
        controls: &'a [Control],
    ) -> impl Iterator<Item = &'a Control> {
        let of_row = |control: &&Control| control.rows.contains(&self.id);
        controls.iter().filter(of_row)
    }
}

impl Control {
    pub(crate) fn all() -> Result<Vec<Self>> {
        let table: Controls = toml::from_str(CONTROLS).context("tests/weakened/controls.toml")?;
        Ok(table.controls)
    }

    /// Its test, which stands there as `suite module::function`.
    pub(crate) fn held_by(&self) -> Result<Held> {
        let parts = self.test.split_once(' ').and_then(|(suite, test)| {
            let (module, function) = test.split_once("::")?;
            Some((format!("tests/{suite}/{module}.rs"), function.to_owned()))
        });
        let (file, function) = parts.with_context(|| format!("{} names no test", self.name))?;
        Ok(Held { file, function })
    }
}
