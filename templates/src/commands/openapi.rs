//! `openapi`: what clients of the Experience APIs are told.

use std::{collections::BTreeSet, fs, path::PathBuf};

use anyhow::{Context as _, Result, ensure};
use serde::Serialize;
use strata_estate::Workspace;

use crate::{
    cli::Format,
    documents::{Document, State},
    output,
};

/// Show the OpenAPI document of a version of an Experience API, or how the committed ones compare
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  cargo strata openapi\n  \
    cargo strata openapi storefront\n  cargo strata openapi storefront v1\n  \
    cargo strata openapi --write")]
pub(crate) struct Args {
    /// The Experience API; all of them when left out
    service: Option<String>,
    /// Which version of it; the newest when left out
    version: Option<String>,
    /// Write docs/openapi/<service>.<version>.json, the committed documents, instead of printing
    #[arg(long)]
    write: bool,
    /// Print text for people, or JSON; a document is always JSON
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Serialize)]
struct Row<'a> {
    service: &'a str,
    version: &'a str,
    file: PathBuf,
    committed: State,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let workspace = Workspace::find()?;
    let mut documents = Document::all(&workspace)?;
    if let Some(service) = &args.service {
        let known: BTreeSet<_> = documents.iter().map(|one| one.service.clone()).collect();
        documents.retain(|document| document.service == *service);
        ensure!(
            !documents.is_empty(),
            "there is no Experience API {service}: use one of {}",
            listed(known)
        );
        let versions: Vec<_> = documents.iter().map(|one| one.version.clone()).collect();
        if let Some(version) = &args.version {
            documents.retain(|document| document.version == *version);
        }
        let document = documents.last().with_context(|| {
            let known = listed(versions);
            format!("{service} has no such version: use one of {known}")
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
            version: &document.version,
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
            format!("{} {}", row.service, row.version),
            row.file.display().to_string(),
            state.to_owned(),
        ]
    });
    output::table(["service", "document", "committed"], rows)
}

fn listed(names: impl IntoIterator<Item = String>) -> String {
    names.into_iter().collect::<Vec<_>>().join(", ")
}

fn write(document: &Document) -> Result<()> {
    let file = &document.file;
    let folder = file.parent().context("a document has a folder")?;
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(file, &document.text))
        .with_context(|| format!("{} cannot be written", file.display()))?;
    output::line(&format!("wrote {}", file.display()))
}
