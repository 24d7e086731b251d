//! docs/security/attacks.md: the catalogue for people to read.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use minijinja::{
    Environment, UndefinedBehavior, context,
    syntax::SyntaxConfig,
    value::{Serde, Value},
};
use serde::Serialize;

use crate::{
    catalogue::{Catalogue, Control, Row},
    defined::ROOT,
};

const PAPER: &str = "docs/security/attacks.md";
const TEMPLATE: &str = include_str!("attacks.md.jinja");

/// A row with what `tests/weakened` takes away for it.
#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    row: Row,
    controls: Vec<String>,
}

/// A group of such rows.
#[derive(Serialize)]
struct Shelf {
    title: String,
    rows: Vec<Shown>,
}

pub(crate) fn is_current() -> Result<()> {
    let made = made()?;
    let written = fs::read_to_string(file()).unwrap_or_default();
    ensure!(
        written == made,
        "{PAPER} differs from tests/attacks/catalogue.toml: review the change, then run \
         `cargo test -p strata-tests --test attacks -- --write`"
    );
    Ok(())
}

pub(crate) fn write() -> Result<()> {
    let file = file();
    let folder = file.parent().context("a paper has a folder")?;
    fs::create_dir_all(folder)?;
    fs::write(&file, made()?)?;
    writeln!(io::stdout(), "wrote {PAPER}")?;
    Ok(())
}

fn file() -> PathBuf {
    Path::new(ROOT).join(PAPER)
}

fn made() -> Result<String> {
    let catalogue = Catalogue::read()?;
    let controls = Control::all()?;
    let shown = |row: &Row| Shown {
        row: row.clone(),
        controls: row
            .controls(&controls)
            .map(|control| control.name.replace('_', " "))
            .collect(),
    };
    let groups: Vec<_> = catalogue
        .groups
        .iter()
        .map(|group| Shelf {
            title: group.title.clone(),
            rows: group.rows.iter().map(shown).collect(),
        })
        .collect();
    let untried = catalogue
        .rows()
        .filter(|row| row.by_hand.is_empty() && row.controls(&controls).next().is_none());
    let untried: Vec<_> = untried.map(|row| row.id.clone()).collect();
    let mut engine = Environment::new();
    engine.set_syntax(
        SyntaxConfig::builder()
            .trim_blocks(true)
            .lstrip_blocks(true)
            .keep_trailing_newline(true)
            .build()?,
    );
    engine.set_undefined_behavior(UndefinedBehavior::Strict);
    let count = catalogue.rows().count();
    let groups = Value::from(Serde(groups));
    let later = Value::from(Serde(catalogue.later));
    Ok(engine.render_str(TEMPLATE, context! { groups, count, untried, later })?)
}
