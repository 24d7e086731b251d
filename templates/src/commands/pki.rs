//! `pki`: the file-based certificate authorities and what they sign.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Subcommand;
use strata_config::Environment;
use strata_core::Layer;
use strata_estate::{Pki, ServiceFolder, Workspace};

use crate::{
    cli::{Format, environment},
    output,
};

/// Make and rotate certificate authorities and SVIDs
#[derive(clap::Args)]
#[command(after_help = "Example:\n  cargo strata pki init --env test && \
    cargo strata pki issue --env test")]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Make one certificate authority per layer, one for transaction tokens and one for audit trails
    #[command(after_help = "Example:\n  cargo strata pki init --env test")]
    Init(Place),
    /// Issue the material of every service, or of one
    #[command(after_help = "Example:\n  cargo strata pki issue --env test system-customers")]
    Issue {
        #[command(flatten)]
        place: Place,
        /// The service, as LAYER-NAME
        service: Option<String>,
    },
    /// Show every certificate
    #[command(after_help = "Example:\n  cargo strata pki show --env test --format json")]
    Show {
        #[command(flatten)]
        place: Place,
        /// Print text for people, or JSON
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Replace the SVID of every service, or with --authorities what they trust
    #[command(
        after_help = "Examples:\n  cargo strata pki rotate --env test\n  cargo strata pki rotate --env test --authorities && sleep 30 && cargo strata pki rotate --env test"
    )]
    Rotate {
        #[command(flatten)]
        place: Place,
        /// Replace every authority and publish it; the one before stays trusted until the next
        /// time. SVIDs are replaced by a `rotate` without this, once every service trusts the new ones
        #[arg(long)]
        authorities: bool,
    },
}

#[derive(clap::Args)]
struct Place {
    /// The environment
    #[arg(long, value_parser = environment())]
    env: Environment,
    /// The folder of the PKI [default: .strata/state/ENV/pki]
    #[arg(long)]
    dir: Option<PathBuf>,
}

impl Place {
    fn folder(&self, workspace: &Workspace) -> PathBuf {
        self.dir
            .clone()
            .unwrap_or_else(|| workspace.state(self.env).join("pki"))
    }

    fn open(&self, workspace: &Workspace) -> Result<Pki> {
        Pki::open(&self.folder(workspace), self.env)
    }
}

pub(crate) fn run(args: Args) -> Result<()> {
    let workspace = Workspace::find()?;
    match args.action {
        Action::Init(place) => {
            let folder = place.folder(&workspace);
            Pki::init(&folder, place.env)?;
            output::line(&format!(
                "made the authorities of {} in {}",
                place.env,
                folder.display()
            ))
        }
        Action::Issue { place, service } => {
            let pki = place.open(&workspace)?;
            for service in chosen(&workspace, service.as_deref())? {
                let folder = pki.issue(&service.manifest, &service.exempted()?)?;
                output::line(&format!("issued {}", folder.display()))?;
            }
            Ok(())
        }
        Action::Show { place, format } => show(&place.open(&workspace)?, format),
        Action::Rotate { place, authorities } => {
            let pki = place.open(&workspace)?;
            if authorities {
                for layer in Layer::ALL {
                    pki.rotate_authority(layer)?;
                    output::line(&format!("replaced the authority of the {layer} layer"))?;
                }
                pki.rotate_token_authority()?;
                output::line("replaced the authority of the transaction tokens")?;
                pki.rotate_audit_authority()?;
                output::line("replaced the authority of the audit trails")?;
                for service in workspace.services()? {
                    let folder = pki.publish(&service.manifest, &service.exempted()?)?;
                    output::line(&format!("published to {}", folder.display()))?;
                }
                return output::line(
                    "once every service has taken this over (15 s), replace the SVIDs: \
                     cargo strata pki rotate",
                );
            }
            for service in workspace.services()? {
                let folder = pki.reissue(&service.manifest, &service.exempted()?)?;
                output::line(&format!("reissued {}", folder.display()))?;
            }
            Ok(())
        }
    }
}

fn chosen(workspace: &Workspace, name: Option<&str>) -> Result<Vec<ServiceFolder>> {
    let services = workspace.services()?;
    let Some(name) = name else {
        return Ok(services);
    };
    let names = services
        .iter()
        .map(|service| service.binary.as_str())
        .collect::<Vec<_>>()
        .join(", ");
    let service = services
        .into_iter()
        .find(|service| service.binary == name)
        .with_context(|| format!("no service is called {name}: use one of {names}"))?;
    Ok(vec![service])
}

fn show(pki: &Pki, format: Format) -> Result<()> {
    let certificates = pki.certificates()?;
    if format == Format::Json {
        return output::pretty_json(&certificates);
    }
    let rows = certificates.into_iter().map(|certificate| {
        [
            certificate.kind.to_string(),
            certificate.id.unwrap_or(certificate.subject),
            certificate
                .layer
                .map(|layer| layer.to_string())
                .unwrap_or_default(),
            certificate.not_before,
            certificate.not_after,
            certificate.usages.join(", "),
        ]
    });
    output::table(
        [
            "kind",
            "identity",
            "layer",
            "not before",
            "not after",
            "usages",
        ],
        rows,
    )
}
