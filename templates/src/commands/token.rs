//! `token`: an access token from the issuer of the running estate.

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use http::{Request, StatusCode, header::CONTENT_TYPE};
use strata_config::Environment;
use strata_estate::{Summary, TokenResponse, Workspace, client};
use url::form_urlencoded;

use crate::output;

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
    let roles = args.role.join(" ");
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("grant_type", "password")
        .append_pair("username", &args.user)
        .append_pair("scope", &args.scope)
        .append_pair("roles", &roles);
    if let Some(region) = &args.region {
        form.append_pair("region", region);
    }
    if let Some(tenant) = &args.tenant {
        form.append_pair("tenant", tenant);
    }
    let request = Request::post(&estate.token_endpoint)
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Bytes::from(form.finish()))
        .context("the token endpoint is no URL")?;
    let answer = client::send(request, None)
        .await
        .context("the estate does not answer: start one with `cargo strata up`")?;
    let body = answer.body();
    ensure!(
        answer.status() == StatusCode::OK,
        "the issuer refused: {}",
        String::from_utf8_lossy(body)
    );
    let token: TokenResponse =
        serde_json::from_slice(body).context("the issuer's answer holds no token")?;
    output::line(&token.access_token)
}
