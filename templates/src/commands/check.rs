//! `check`: everything that can be wrong, with its remedy.

use anyhow::{Result, bail};
use strata_config::Environment;
use strata_estate::Workspace;

use crate::{
    check::findings,
    cli::{Format, environment},
    output,
};

/// Check contracts, layers, calls, exemptions, grants, policies, the committed papers and the
/// configuration of every environment
///
/// Of production named by itself, each Experience API must also have a penetration test of its present
/// contract in pentest.toml.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  cargo strata check\n  cargo strata check --env prod")]
pub(crate) struct Args {
    /// Check the configuration of this environment only; of prod, the penetration tests too
    #[arg(long, value_parser = environment())]
    env: Option<Environment>,
    /// Print text for people, or JSON
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let all = Environment::ALL;
    let environments = args
        .env
        .as_ref()
        .map_or(all.as_slice(), std::slice::from_ref);
    let workspace = Workspace::find()?;
    let findings = findings(&workspace, environments)?;
    if args.format == Format::Json {
        output::pretty_json(&findings)?;
    } else {
        list_exemptions(&workspace)?;
        for finding in &findings {
            output::heading(&format!("{}: {}", finding.file.display(), finding.problem))?;
            output::line(&format!("  {}", finding.remedy))?;
        }
    }
    match findings.len() {
        0 if args.format == Format::Text => output::line("nothing found"),
        0 => Ok(()),
        1 => bail!("one finding: it says what to do"),
        count => bail!("{count} findings: each says what to do"),
    }
}

/// Who is exempted from the rule of the layers, so that each check brings it to mind.
fn list_exemptions(workspace: &Workspace) -> Result<()> {
    for service in workspace.services()? {
        for edge in service.manifest.edges() {
            let Some(exemption) = edge.exemption else {
                continue;
            };
            output::line(&format!(
                "exempted until {}: {} calls {}-{}, says {}: {}",
                exemption.expires,
                service.binary,
                edge.layer,
                edge.service,
                exemption.owner,
                exemption.reason
            ))?;
        }
    }
    Ok(())
}
