//! `events`: the security events that services tell.

use anyhow::Result;
use clap::ValueEnum;
use strata_estate::Workspace;

use crate::{events::Events, output};

/// Show every kind of security event: when it is told, how OCSF has it, and what it says
///
/// It is made from what the services tell by. The JSON holds `kinds` and `says`; members are added to it,
/// never renamed.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  cargo strata events\n  \
    cargo strata events --format json\n  cargo strata events --write")]
pub(crate) struct Args {
    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Md)]
    format: Format,
    /// Write docs/security/events.md, the committed paper, instead of printing
    #[arg(long, conflicts_with = "format")]
    write: bool,
}

/// Markdown, or data for programs.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Md,
    Json,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let events = Events::known();
    if args.write {
        return output::write(&[events.paper(&Workspace::find()?)?]);
    }
    match args.format {
        Format::Md => output::line(events.markdown()?.trim_end()),
        Format::Json => output::pretty_json(&events),
    }
}
