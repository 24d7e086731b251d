//! `graph`: the declared call graph.

use std::{fmt::Write as _, fs};

use anyhow::{Context as _, Result};
use clap::ValueEnum;
use strata_core::Layer;
use strata_estate::{Graph, Workspace};

use crate::output;

/// Show who is compiled against whose contract
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  cargo strata graph --format mermaid\n  \
    cargo strata graph --write")]
pub(crate) struct Args {
    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Write docs/graph.json, the committed graph, instead of printing
    #[arg(long)]
    write: bool,
}

/// A table, the committed form, or a flow chart for Markdown.
#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Text,
    Json,
    Mermaid,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let workspace = Workspace::find()?;
    let graph = Graph::read(&workspace)?;
    if args.write {
        return write(&workspace, &graph);
    }
    match args.format {
        Format::Text => {
            let rows = graph.calls.iter().map(|call| {
                [
                    call.caller.to_string(),
                    call.callee.to_string(),
                    call.methods.join(", "),
                    call.exempt_until
                        .map(|day| day.to_string())
                        .unwrap_or_default(),
                ]
            });
            output::table(["caller", "callee", "methods", "exempt until"], rows)
        }
        Format::Json => output::pretty_json(&graph),
        Format::Mermaid => output::line(&mermaid(&graph)?),
    }
}

fn write(workspace: &Workspace, graph: &Graph) -> Result<()> {
    let file = Graph::file(workspace);
    let attempt = || {
        fs::create_dir_all(file.parent().unwrap_or(workspace.root()))?;
        fs::write(&file, graph.to_json()?)?;
        Ok::<_, anyhow::Error>(())
    };
    attempt().with_context(|| format!("{} cannot be written", file.display()))?;
    output::line(&format!("wrote {}", file.display()))
}

fn mermaid(graph: &Graph) -> Result<String> {
    let mut chart = "flowchart TB".to_owned();
    for layer in Layer::ALL.into_iter().rev() {
        write!(chart, "\n  subgraph {layer}-api")?;
        for service in graph
            .services
            .iter()
            .filter(|service| service.layer == layer)
        {
            write!(
                chart,
                "\n    {layer}-{name}[\"{name}\"]",
                name = service.name
            )?;
        }
        write!(chart, "\n  end")?;
    }
    for call in &graph.calls {
        let methods = call.methods.join(", ");
        // What only an exemption lets through is drawn as what it is: not part of the picture for long.
        let (arrow, label) = match call.exempt_until {
            None => ("-->", methods),
            Some(day) => ("-.->", format!("{methods}, exempt until {day}")),
        };
        write!(
            chart,
            "\n  {} {arrow}|{label}| {}",
            call.caller, call.callee
        )?;
    }
    Ok(chart)
}
