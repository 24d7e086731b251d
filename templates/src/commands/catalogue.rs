//! `catalogue`: what the Experience APIs offer, to whom, and how they change.

use anyhow::Result;
use clap::ValueEnum;
use strata_estate::Workspace;

use crate::{catalogue::Catalogue, output};

/// Show every Experience API: versions, methods, plans, who is on them, and what has changed
///
/// It is made from the contracts, service.toml, plans.toml and consumers.toml. The JSON holds the same
/// under `apis`; members are added to it, never renamed. A label is `{sensitivity, categories}`, a date
/// is empty where none is set. It names nobody's client id.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  cargo strata catalogue\n  \
    cargo strata catalogue --format json\n  cargo strata catalogue --write")]
pub(crate) struct Args {
    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Md)]
    format: Format,
    /// Write docs/catalogue.md and docs/catalogue.html, the committed catalogue, instead of printing
    #[arg(long, conflicts_with = "format")]
    write: bool,
}

/// Markdown, data for programs, or a page.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Md,
    Json,
    Html,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let workspace = Workspace::find()?;
    let catalogue = Catalogue::read(&workspace)?;
    if args.write {
        let papers = catalogue.papers(&workspace)?;
        return output::write(&papers);
    }
    match args.format {
        Format::Md => output::line(catalogue.markdown()?.trim_end()),
        Format::Html => output::line(catalogue.html()?.trim_end()),
        Format::Json => output::pretty_json(&catalogue),
    }
}
