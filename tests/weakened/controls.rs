//! What is taken away, and which test tells.

use std::{collections::BTreeSet, fs, path::Path};

use anyhow::{Context as _, Result, ensure};
use proc_macro2::{TokenStream, TokenTree};
use serde::Deserialize;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
const TABLE: &str = include_str!("controls.toml");
const PAPER: &str = "docs/controls.md";
const STACKS: [&str; 2] = [
    "shared/service/src/stack/edge.rs",
    "shared/service/src/stack/grpc.rs",
];

/// A control.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Control {
    /// What holds as long as it is there.
    pub(crate) name: String,
    /// What it is tried by, such as `API1` or `T4`: OWASP API Security Top 10 2023 and the rows of the
    /// estate's own attacks.
    #[serde(default)]
    pub(crate) rows: Vec<String>,
    /// The source file.
    pub(crate) file: String,
    /// The piece, which stands in it once.
    pub(crate) without: String,
    /// What stands in its place.
    #[serde(default)]
    pub(crate) instead: String,
    /// The suite and the test that must fail.
    pub(crate) test: String,
    /// What the failure says: what got through.
    pub(crate) says: String,
    /// What `cargo strata attack` finds without it, all of it, in the order of the alphabet; nothing where it
    /// cannot be told from outside, or where the test is that of the attack.
    #[serde(default)]
    attack: Vec<String>,
}

/// The test that runs `cargo strata attack`.
const ATTACK: &str = "e2e attack::nothing_is_found_on_the_sample_estate";

impl Control {
    /// Whether nothing but the attack tells.
    pub(crate) fn is_of_the_attack(&self) -> bool {
        self.test == ATTACK
    }

    /// The same control, held by the attack; none where nothing of it is told outside.
    pub(crate) fn attacked(&self) -> Option<Self> {
        (!self.attack.is_empty()).then(|| Self {
            test: ATTACK.to_owned(),
            says: format!("found: {:?}\n", self.attack),
            ..self.clone()
        })
    }
}

/// A layer whose absence lets nothing through: without it nobody is answered.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Closed {
    layer: String,
    /// The one stack that this is said of; without it, both.
    #[serde(default)]
    stack: String,
    because: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Controls {
    controls: Vec<Control>,
    closed: Vec<Closed>,
}

impl Controls {
    pub(crate) fn read() -> Result<Self> {
        toml::from_str(TABLE).context("tests/weakened/controls.toml")
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Control> {
        self.controls.iter()
    }

    /// Each piece stands in its file, exactly once, and each control has a name of its own.
    pub(crate) fn are_in_the_source(&self) -> Result<()> {
        let mut names = BTreeSet::new();
        for control in &self.controls {
            let text = fs::read_to_string(Path::new(ROOT).join(&control.file))?;
            let found = text.matches(&control.without).count();
            let name = &control.name;
            ensure!(found == 1, "{name}: {found} times in {}", control.file);
            ensure!(names.insert(name), "{name}: twice");
            let vague = control.says.contains(".rs") || control.says.len() < 8;
            ensure!(
                !vague,
                "{name}: say what gets through, not where it is seen"
            );
        }
        Ok(())
    }

    /// docs/controls.md holds the table, and nothing else of it.
    pub(crate) fn are_in_the_paper(&self) -> Result<()> {
        let rows = self.controls.iter().map(|control| {
            format!(
                "| {} | {} | `{}` | `{}` |\n",
                control.name.replace('_', " "),
                control.rows.join(", "),
                control.file,
                control.test
            )
        });
        let table: String = rows.collect();
        let written = fs::read_to_string(Path::new(ROOT).join(PAPER))?;
        let written = written.split_once("|---|---|---|---|\n");
        let written = written.map(|(_, rows)| rows);
        ensure!(written == Some(&table), "{PAPER} must end in:\n{table}");
        Ok(())
    }

    /// Each layer of a stack is taken away by a control, or is said to leave everything closed.
    pub(crate) fn cover_the_stacks(&self) -> Result<()> {
        for closed in &self.closed {
            ensure!(!closed.because.is_empty(), "{}: say why", closed.layer);
        }
        for stack in STACKS {
            let text = fs::read_to_string(Path::new(ROOT).join(stack))?;
            let layers = layers(&text)?;
            ensure!(layers.len() > 10, "{stack} has {} layers", layers.len());
            for layer in layers {
                let taken = self.controls.iter().any(|control| {
                    control.file == stack && squeezed(&control.without).contains(&layer)
                });
                let closed = self
                    .closed
                    .iter()
                    .any(|closed| layer.contains(&closed.layer) && stack.ends_with(&closed.stack));
                ensure!(
                    taken || closed,
                    "{stack}: nothing tells when {layer} is not there: add it to \
                     tests/weakened/controls.toml"
                );
            }
        }
        Ok(())
    }
}

/// What stands between the brackets of each `.layer(...)` and `.option_layer(...)`, without spaces.
fn layers(text: &str) -> Result<Vec<String>> {
    let tokens: TokenStream = text.parse().map_err(|error| anyhow::anyhow!("{error}"))?;
    let mut found = Vec::new();
    collect(tokens, &mut found);
    Ok(found)
}

fn collect(tokens: TokenStream, found: &mut Vec<String>) {
    let mut is_layer = false;
    for token in tokens {
        match token {
            TokenTree::Group(group) => {
                if is_layer {
                    found.push(squeezed(&group.stream().to_string()));
                }
                collect(group.stream(), found);
                is_layer = false;
            }
            TokenTree::Ident(name) => is_layer = name == "layer" || name == "option_layer",
            _ => is_layer = false,
        }
    }
}

/// Without spaces, and without the comma that rustfmt puts before a bracket on a line of its own.
fn squeezed(text: &str) -> String {
    let text: String = text.split_whitespace().collect();
    text.replace(",)", ")")
}
