//! `token`: an access token from the issuer of the running estate.

use anyhow::Result;
use strata_config::Environment;
use strata_estate::{Summary, TokenRequest, Workspace};

use crate::{issuer, output};

/// Get an access token from the issuer of the running estate
#[derive(clap::Args)]
#[command(after_help = "Example:\n  \
    cargo strata token --user cus_000001 --role customer --scope \"overview:read orders:read\"")]
pub(crate) struct Args {
    /// The user the token is for
    #[arg(long)]
    user: String,
    /// Scopes, separated by spaces
    #[arg(long)]
    scope: String,
    /// A role of the user; may be repeated
    #[arg(long)]
    role: Vec<String>,
    /// The region whose data the user may see
    #[arg(long)]
    region: Option<String>,
    /// The tenant whose data the user may see: in the sample estate a brand, teahouse or roastery
    #[arg(long)]
    tenant: Option<String>,
}

pub(crate) async fn run(args: Args) -> Result<()> {
    let estate = Summary::read(&Workspace::find()?, Environment::Dev)?;
    let request = TokenRequest {
        username: args.user,
        scope: args.scope,
        roles: args.role,
        region: args.region,
        tenant: args.tenant,
        audience: None,
    };
    output::line(&issuer::token(&estate, &request).await?)
}
