//! docs/security/attacks.md: the catalogue for people to read.

use std::{
    io::{self, Write as _},
    path::Path,
};

use anyhow::{Result, bail};
use minijinja::{
    context,
    value::{Serde, Value},
};
use serde::Serialize;
use strata_estate::paper::{Paper, engine};

use crate::{
    catalogue::{Catalogue, Control, Row},
    defined::ROOT,
};

const PAPER: &str = "docs/security/attacks.md";
/// Its name says how text is escaped in it.
const TEMPLATE: (&str, &str) = ("attacks.md", include_str!("attacks.md.jinja"));

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
    if let Some(problem) = made()?.problem()? {
        bail!(
            "{PAPER} {problem}, tests/attacks/catalogue.toml: review the change, then run \
             `cargo test -p strata-tests --test attacks -- --write`"
        );
    }
    Ok(())
}

pub(crate) fn write() -> Result<()> {
    made()?.write()?;
    writeln!(io::stdout(), "wrote {PAPER}")?;
    Ok(())
}

fn made() -> Result<Paper> {
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
    let count = catalogue.rows().count();
    let groups = Value::from(Serde(groups));
    let later = Value::from(Serde(catalogue.later));
    let engine = engine(&[TEMPLATE])?;
    let text = engine.get_template(TEMPLATE.0)?;
    Ok(Paper {
        file: Path::new(ROOT).join(PAPER),
        text: text.render(context! { groups, count, untried, later })?,
    })
}
