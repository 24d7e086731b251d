//! `data-map`: which personal data is where, who is answered it, and where one person's is.

use anyhow::Result;
use clap::ValueEnum;
use strata_estate::Workspace;

use crate::{
    data_map::{
        DataMap,
        subject::{self, Place, Plan},
    },
    output,
};

/// Show which personal data each store holds, who is answered it, and along which calls it moves
///
/// It is made from the contracts, service.toml, callers.toml and roles.toml. The Markdown says which
/// part serves which item of a record under GDPR Art. 30(1). The JSON holds the same under `services`,
/// `stores`, `unstored`, `kept`, `readers`, `flows`, `blends` and `declassifications`; members are
/// added to it, never renamed. A label is `{sensitivity, categories}`; `masked_by` is empty where a
/// value is shown whole.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  cargo strata data-map\n  \
    cargo strata data-map --format json\n  cargo strata data-map --write\n  \
    cargo strata data-map --subject cus_000001")]
pub(crate) struct Args {
    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Md)]
    format: Format,
    /// Write docs/data-map.md and docs/data-map.html, the committed map, instead of printing
    #[arg(long, conflicts_with_all = ["format", "subject"])]
    write: bool,
    /// Say where data about one person is and how to give access to it or erase it; counted in the
    /// estate that `up` runs, if any. Their data is never printed
    #[arg(long, value_name = "ID")]
    subject: Option<String>,
}

/// Markdown, data for programs, or a page with a picture.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Md,
    Json,
    Html,
}

pub(crate) async fn run(args: Args) -> Result<()> {
    let workspace = Workspace::find()?;
    let map = DataMap::read(&workspace)?;
    if args.write {
        let papers = map.papers(&workspace)?;
        return output::write(&papers);
    }
    if let Some(id) = &args.subject {
        let running = subject::running(&workspace);
        let plan = subject::plan(map, id, running.as_ref()).await?;
        return show(&plan, args.format);
    }
    match args.format {
        Format::Md => output::line(map.markdown()?.trim_end()),
        Format::Html => output::line(map.html()?.trim_end()),
        Format::Json => output::pretty_json(&map),
    }
}

fn show(plan: &Plan, format: Format) -> Result<()> {
    match format {
        Format::Json => return output::pretty_json(plan),
        Format::Html => anyhow::bail!("a person's data is shown as md or json: use one of them"),
        Format::Md => {}
    }
    if !plan.counted {
        output::note(
            "no estate is running, so no records are counted: start one with `cargo strata up`",
        );
    }
    if !plan.found() {
        return output::line("nothing found");
    }
    for place in &plan.stores {
        output::heading(&format!("{}: {}", place.table, records(place.records)))?;
        for (what, text) in told(place) {
            output::line(&format!("  {what:<8} {text}"))?;
        }
    }
    for table in &plan.undeclared {
        output::heading(&format!(
            "{} of {}: {}",
            table.table,
            table.service,
            records(Some(table.records))
        ))?;
        output::line("  no contract names it: state stored_in on the message it holds")?;
    }
    let rows = plan.kept.iter().map(|kept| {
        [
            kept.service.clone(),
            kept.place.to_owned(),
            kept.holds.clone(),
            kept.until.to_owned(),
        ]
    });
    output::table(["beside them", "place", "holds", "until"], rows)
}

/// The plan for one table, line by line.
fn told(place: &Place) -> [(&'static str, String); 4] {
    let key = match place.parents.as_slice() {
        [] => format!("{} is the person's id", place.key),
        parents => format!(
            "the records of {} whose {} is the person's id hold these",
            parents.join(", "),
            place.key
        ),
    };
    let access = match place.access.as_slice() {
        [] => format!(
            "no method answers it by the id: {} reads the store",
            place.owner
        ),
        methods => format!("{} of {}", methods.join(", "), place.service),
    };
    let readers = match place.readers.as_slice() {
        [] => String::new(),
        readers => format!("; answered to {}", readers.join(", ")),
    };
    let retention = match place.retention.as_str() {
        "" => "no retention is stated".to_owned(),
        retention => format!("otherwise kept {retention} after the last use"),
    };
    let order = match place.parents.as_slice() {
        [] => String::new(),
        parents => format!(", before the records of {}", parents.join(", ")),
    };
    let follow = match place.follow.as_slice() {
        [] => String::new(),
        tables => format!("; with it {}, made from it", tables.join(", ")),
    };
    [
        ("key", key),
        ("holds", place.values.join(", ")),
        ("access", access + &readers),
        (
            "erasure",
            format!(
                "by {}, in the store{order}; {retention}{follow}",
                place.owner
            ),
        ),
    ]
}

fn records(records: Option<u64>) -> String {
    match records {
        None => "not counted".to_owned(),
        Some(1) => "1 record".to_owned(),
        Some(records) => format!("{records} records"),
    }
}
