//! `up`: builds and starts every service on loopback, or makes one request through all layers.

use std::{future::Future, pin::Pin};

use anyhow::{Context as _, Result, bail, ensure};
use bytes::Bytes;
use http::{Request, StatusCode, header::AUTHORIZATION};
use strata_config::Environment;
use strata_estate::{
    BuildProgress, Estate, Options, Profile, StartProgress, Summary, Workspace, build, client,
};
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    cli::{Format, environment},
    demo, output,
};

/// Where the first Experience API listens unless told otherwise.
const EDGE_PORT: u16 = 8443;

/// The sections whose variables `up` passes on.
const TRIED: [&str; 2] = ["STRATA_LIMITS__", "STRATA_TELEMETRY__"];

/// Build and start every service on loopback, with throw-away certificates and demo data
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  cargo strata up\n  cargo strata up --once\n  \
    cargo strata up --format json --port 9443\n  \
    STRATA_LIMITS__REQUESTS=10 cargo strata up"
)]
pub(crate) struct Args {
    /// The environment to run in: only dev accepts throw-away certificates
    #[arg(long, value_parser = environment(), default_value = "dev")]
    env: Environment,
    /// Build and run the release profile
    #[arg(long)]
    release: bool,
    /// Make one request through all layers, print the answer, stop
    #[arg(long)]
    once: bool,
    /// Print text for people, or one line of JSON when all are ready
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Port of the first Experience API [default: 8443; any free port with --once]
    #[arg(long)]
    port: Option<u16>,
}

pub(crate) async fn run(args: Args) -> Result<()> {
    let workspace = Workspace::find()?;
    Estate::check_environment(args.env)?;
    let mut interrupt = interrupt()?;
    // The signal first: it may have ended the build as well, which is then no news.
    let mut estate = tokio::select! {
        biased;
        name = &mut interrupt => bail!("interrupted by {name} before every service was ready"),
        estate = start(&workspace, &args) => estate?,
    };
    let outcome = if args.once {
        tokio::select! {
            answer = once(&mut estate) => answer,
            name = &mut interrupt => Err(anyhow::anyhow!("interrupted by {name}")),
        }
    } else {
        serve(&workspace, &args, &mut estate, interrupt).await
    };
    let progress = output::Progress::start("stopping");
    estate.stop().await;
    drop(progress);
    outcome
}

async fn start(workspace: &Workspace, args: &Args) -> Result<Estate> {
    let progress = output::Progress::start("building");
    let profile = if args.release {
        Profile::Release
    } else {
        Profile::Debug
    };
    let binaries = build(workspace, profile, |BuildProgress { done, unit }| {
        progress.step(format!("building: {done} done, {unit}"));
    })
    .await?;
    Estate::start(Options {
        workspace,
        binaries: &binaries,
        environment: args.env,
        settings: &settings(),
        edge_port: args.port.or((!args.once).then_some(EDGE_PORT)),
        progress: &mut |step| match step {
            StartProgress::Seeding(name) => progress.step(format!("seeding {name}")),
            StartProgress::Starting(name) => progress.step(format!("starting {name}")),
            StartProgress::Ready(name) => progress.step(format!("{name} is ready")),
            StartProgress::PortTaken(port) => {
                progress.note(&format!("port {port} is taken: another is used"));
            }
        },
    })
    .await
}

/// What the services are given of this process's own environment, so that limits and telemetry can be
/// tried without editing a file. Everything else is the estate's to set.
fn settings() -> Vec<(String, String)> {
    let tried = |name: &str| TRIED.iter().any(|section| name.starts_with(section));
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| tried(name))
        .collect()
}

/// One request through every layer. A service that has died or hangs is named, whether before the
/// request or under it.
async fn once(estate: &mut Estate) -> Result<()> {
    estate.check_running()?;
    let answer = overview(estate).await;
    match &answer {
        Ok(_) => estate.check_running()?,
        Err(_) => estate.check_ready().await?,
    }
    output::pretty_json(&answer?)
}

async fn overview(estate: &Estate) -> Result<serde_json::Value> {
    let url = format!("{}{}", estate.edge_url(demo::SERVICE)?, demo::PATH);
    let token = estate.issuer().token(&demo::token())?;
    let request = Request::get(&url)
        .header(AUTHORIZATION, format!("Bearer {token}"))
        .body(Bytes::new())
        .context("the demo request is wrong")?;
    let answer = client::send(request, Some(&estate.edge_ca())).await?;
    let body = answer.body();
    ensure!(
        answer.status() == StatusCode::OK,
        "{url} answered {}: {}",
        answer.status(),
        String::from_utf8_lossy(body)
    );
    serde_json::from_slice(body).with_context(|| format!("{url} answered no JSON"))
}

/// Shows the running estate until a signal comes or a service ends.
async fn serve(
    workspace: &Workspace,
    args: &Args,
    estate: &mut Estate,
    interrupt: impl Future<Output = &'static str>,
) -> Result<()> {
    let summary = estate.summary(&demo::token())?;
    summary.publish(workspace)?;
    let outcome = match show(&summary, args.format) {
        Ok(()) => tokio::select! {
            _ = interrupt => Ok(()),
            error = estate.unexpected_end() => Err(error),
        },
        Err(error) => Err(error),
    };
    summary.withdraw(workspace);
    outcome
}

fn show(summary: &Summary, format: Format) -> Result<()> {
    if format == Format::Json {
        return output::json(summary);
    }
    let rows = summary.services.iter().map(|service| {
        [
            service.name.clone(),
            service.layer.to_string(),
            service.address.to_string(),
            service.id.clone(),
            "ready".to_owned(),
        ]
    });
    output::table(["service", "layer", "address", "SPIFFE ID", "state"], rows)?;
    for edge in &summary.edges {
        output::heading(&format!("{}: {}", edge.service, edge.url))?;
    }
    if let Some(edge) = summary
        .edges
        .iter()
        .find(|edge| edge.service == demo::SERVICE)
    {
        output::line(&format!(
            "curl --cacert '{}' -H 'Authorization: Bearer {}' {}{}",
            edge.ca.display(),
            summary.token,
            edge.url,
            demo::PATH
        ))?;
    }
    output::note("press Ctrl-C to stop");
    Ok(())
}

/// Resolves when the user or the system asks to stop; to the signal's name.
fn interrupt() -> Result<Pin<Box<dyn Future<Output = &'static str>>>> {
    let mut terminal = signal(SignalKind::interrupt()).context("signals cannot be watched")?;
    let mut system = signal(SignalKind::terminate()).context("signals cannot be watched")?;
    Ok(Box::pin(async move {
        tokio::select! {
            _ = terminal.recv() => "SIGINT",
            _ = system.recv() => "SIGTERM",
        }
    }))
}
