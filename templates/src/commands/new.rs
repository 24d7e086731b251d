//! `new`: adds a service.

use anyhow::{Context as _, Result};
use strata_estate::Workspace;
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    cli::Format,
    output,
    scaffold::{Asked, Change, create},
};

/// Add a service that compiles, starts, is tested and is in the graph
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    cargo strata new system inventory --owner warehouse\n  \
    cargo strata new process availability --owner web-shop --calls inventory/GetInventory\n  \
    cargo strata new experience kiosk --owner stores --calls customer-overview/GetOverview")]
pub(crate) struct Args {
    /// The layer: system, process or experience
    layer: String,
    /// The service's name: lower-case letters, digits and dashes
    name: String,
    /// Methods of the layer below that it passes on, as <service>/<Method>,...
    #[arg(long, value_name = "CALLS", value_delimiter = ',')]
    calls: Vec<String>,
    /// The team that answers for it
    #[arg(long, value_name = "TEAM", default_value = "unassigned")]
    owner: String,
    /// What it is for, in one sentence
    #[arg(long)]
    description: Option<String>,
    /// Print text for people, or JSON
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub(crate) async fn run(args: Args) -> Result<()> {
    // An interrupt must not leave half a service: once these listen, a signal no longer ends the
    // process, and what it does to cargo is undone.
    let watch = |kind| signal(kind).context("signals cannot be watched");
    let _watched = (
        watch(SignalKind::interrupt())?,
        watch(SignalKind::terminate())?,
    );
    let asked = Asked {
        layer: &args.layer,
        name: &args.name,
        owner: &args.owner,
        description: args.description.as_deref(),
        calls: &args.calls,
    };
    let changes = create(&Workspace::find()?, &asked)?;
    if args.format == Format::Json {
        return output::json(&changes);
    }
    for change in &changes {
        output::line(&told(change))?;
    }
    output::note(&format!(
        "next: its domain code in {}-api/{}/src, then `cargo test` and `cargo strata up`",
        args.layer, args.name
    ));
    Ok(())
}

fn told(change: &Change) -> String {
    let what = if change.existed { "changed" } else { "wrote" };
    let file = change.file.display();
    match &change.review {
        Some(owner) => format!("{what:<8}{file} (for review by {owner})"),
        None => format!("{what:<8}{file}"),
    }
}
