//! `openapi`: what clients of the Experience APIs are told.

use std::{fs, path::PathBuf};

use anyhow::{Context as _, Result};
use serde::Serialize;
use strata_estate::Workspace;

use crate::{
    cli::Format,
    documents::{Document, State},
    output,
};

/// Show the OpenAPI document of an Experience API, or how the committed ones compare
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  cargo strata openapi\n  \
    cargo strata openapi storefront\n  cargo strata openapi --write")]
pub(crate) struct Args {
    /// The Experience API; all of them when left out
    service: Option<String>,
    /// Write docs/openapi/<service>.json, the committed documents, instead of printing
    #[arg(long)]
    write: bool,
    /// Print text for people, or JSON; a document is always JSON
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Serialize)]
struct Row<'a> {
    service: &'a str,
    file: PathBuf,
    committed: State,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let workspace = Workspace::find()?;
    let mut documents = Document::all(&workspace)?;
    if let Some(service) = &args.service {
        let known: Vec<_> = documents.iter().map(|one| one.service.clone()).collect();
        documents.retain(|document| document.service == *service);
        let document = documents.first().with_context(|| {
            let known = known.join(", ");
            format!("there is no Experience API {service}: use one of {known}")
        })?;
        if !args.write {
            return output::line(document.text.trim_end());
        }
    }
    if args.write {
        return documents.iter().try_for_each(write);
    }
    let rows = documents.iter().map(|document| {
        let file = document.file.strip_prefix(workspace.root())?;
        Ok(Row {
            service: &document.service,
            file: file.to_owned(),
            committed: document.state()?,
        })
    });
    let rows = rows.collect::<Result<Vec<_>>>()?;
    if args.format == Format::Json {
        return output::pretty_json(&rows);
    }
    let rows = rows.iter().map(|row| {
        let state = match row.committed {
            State::Same => "as the contract says",
            State::Differs => "differs: run `cargo strata openapi --write`",
            State::Missing => "missing: run `cargo strata openapi --write`",
        };
        [
            row.service.to_owned(),
            row.file.display().to_string(),
            state.to_owned(),
        ]
    });
    output::table(["service", "document", "committed"], rows)
}

fn write(document: &Document) -> Result<()> {
    let file = &document.file;
    let folder = file.parent().context("a document has a folder")?;
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(file, &document.text))
        .with_context(|| format!("{} cannot be written", file.display()))?;
    output::line(&format!("wrote {}", file.display()))
}
