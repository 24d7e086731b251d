//! `attack`: the abuse suite that needs no inside access, against a running Experience API.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail, ensure};
use bytes::Bytes;
use http::{Request, StatusCode, Uri};
use serde_json::Value;
use strata_config::Environment;
use strata_estate::{
    EdgeSummary, Summary, TokenRequest, Workspace,
    abuse::{Held, Target},
};
use tokio::sync::Mutex;

use crate::{
    attack::{
        Accounts, Contract, Report, Scene, Severity, consent, count, is_known, run as attack,
    },
    cli::{Format, environment},
    demo, issuer,
    output::{self, NoJudgement},
};

/// Try what an attacker from outside would on a running Experience API, and say what got through
///
/// Without --url it attacks every Experience API of the estate that `cargo strata up` runs, with two
/// accounts of its issuer. Any other API needs two test accounts and its OpenAPI document, and somebody who
/// says that it may be attacked. It is bounded in requests, pace and time, says so before it begins, ends by
/// itself and connects to no other host. Exits with 0 when nothing was found, 1 with findings, 2 when it
/// could not run.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  cargo strata attack\n  \
    cargo strata attack --only tokens --only floods.pings\n  \
    cargo strata attack --url https://api.test.example --openapi docs/openapi/storefront.v1.json \
    --token-a env:TOKEN_A --token-b env:TOKEN_B --yes api.test.example --format json")]
pub(crate) struct Args {
    /// https://host:port of one Experience API [default: those of the running estate]
    #[arg(long)]
    url: Option<Uri>,
    /// PEM file of the CA that vouches for it [default: the roots of the operating system]
    #[arg(long, value_name = "FILE", requires = "url")]
    ca: Option<PathBuf>,
    /// Its OpenAPI document, one for each version; may be repeated [default: what it serves]
    #[arg(long, value_name = "FILE", requires = "url")]
    openapi: Vec<PathBuf>,
    /// File of an access token of the account that attacks, or env:NAME of a variable that holds one
    #[arg(long, value_name = "FILE", requires = "token_b")]
    token_a: Option<String>,
    /// The same of an account whose things the other must not reach
    #[arg(long, value_name = "FILE", requires = "token_a")]
    token_b: Option<String>,
    /// The same of an account that lacks scopes [default: --token-b, where it lacks any]
    #[arg(long, value_name = "FILE", requires = "token_a")]
    token_narrow: Option<String>,
    /// The id of something of the second account's, by its name in paths; may be repeated
    /// [default: as the lists of the second account show]
    #[arg(long, value_name = "NAME=ID")]
    object: Vec<String>,
    /// File of the issuer's JWK Set, to try its public keys as secrets
    #[arg(long, value_name = "FILE", requires = "url")]
    keys: Option<PathBuf>,
    /// What the target is: production serves no documents [default: prod, or dev for the running estate]
    #[arg(long, value_parser = environment())]
    env: Option<Environment>,
    /// Only these probes, by id or family; may be repeated
    #[arg(long, value_name = "ID")]
    only: Vec<String>,
    /// The host that may be attacked, where nobody is there to be asked
    #[arg(long, value_name = "HOST")]
    yes: Option<String>,
    /// The least severity that counts as a failure
    #[arg(long, value_enum, default_value_t = Severity::Low)]
    fail_on: Severity,
    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub(crate) async fn run(args: Args) -> Result<()> {
    let reports = attacked(&args).await.context(NoJudgement)?;
    match args.format {
        Format::Json => output::pretty_json(&reports)?,
        Format::Text => reports.iter().try_for_each(Report::tell)?,
    }
    let told = reports.iter().try_for_each(Report::tells_anything);
    told.context(NoJudgement)?;
    Report::judged(&reports, args.fail_on)
}

async fn attacked(args: &Args) -> Result<Vec<Report>> {
    for name in &args.only {
        ensure!(
            is_known(name),
            "there is no probe {name}: name one of the table, or what stands before its dot"
        );
    }
    let running = Workspace::find().and_then(|it| Summary::read(&it, Environment::Dev));
    let Some(url) = &args.url else {
        let estate = running.context("without --url it attacks the running estate")?;
        let mut reports = Vec::new();
        for edge in &estate.edges {
            let url = edge.url.parse()?;
            reports.push(one(args, &url, Some((&estate, edge))).await?);
        }
        return Ok(reports);
    };
    // The same by its URL.
    let estate = running.ok();
    let edge = estate.as_ref().and_then(|estate| {
        let mut edges = estate.edges.iter();
        let edge = edges
            .find(|edge| edge.url.trim_end_matches('/') == url.to_string().trim_end_matches('/'))?;
        Some((estate, edge))
    });
    Ok(vec![one(args, url, edge).await?])
}

/// Attacks one target, of the running estate or not.
async fn one(args: &Args, url: &Uri, edge: Option<(&Summary, &EdgeSummary)>) -> Result<Report> {
    let roots = args.ca.as_deref();
    let roots = roots.or(edge.map(|(_, edge)| edge.ca.as_path()));
    let target = Target::at(url, roots, consent::bounds).await?;
    consent::given(&target, count(&args.only), args.yes.as_deref())?;
    let contract = Contract::of(&documents(args, &target).await?)?;
    let accounts = match edge {
        Some((estate, edge)) if args.token_a.is_none() => {
            let service = edge.service.as_str();
            issued(estate, service, &contract).await?
        }
        _ => given(args)?,
    };
    let scene = Scene {
        environment: args.env.unwrap_or(match edge {
            Some((estate, _)) => estate.environment,
            None => Environment::Prod,
        }),
        target,
        contract,
        accounts: Accounts {
            ids: objects(&args.object)?,
            ..accounts
        },
        lines: Mutex::default(),
    };
    Ok(attack(&scene, &args.only).await)
}

/// The documents that are given, or those that the target serves: the newest version, and all before it.
async fn documents(args: &Args, target: &Target) -> Result<Vec<Value>> {
    let mut documents = Vec::new();
    for file in &args.openapi {
        documents.push(json(file)?);
    }
    if !documents.is_empty() {
        return Ok(documents);
    }
    let served = async |path: &str| -> Result<Option<Value>> {
        let answer = target.send(Request::get(path).body(Bytes::new())?).await?;
        Ok((answer.status() == StatusCode::OK)
            .then(|| serde_json::from_slice(answer.body()))
            .transpose()?)
    };
    let newest = served("/openapi.json")
        .await
        .context("the target does not answer")?;
    let newest = newest.context("the target serves no OpenAPI document: give it with --openapi")?;
    let version = newest.pointer("/info/version").and_then(Value::as_str);
    let version = version.and_then(|version| version.strip_prefix('v')?.parse::<u32>().ok());
    for before in 1..version.unwrap_or(1) {
        documents.extend(served(&format!("/v{before}/openapi.json")).await?);
    }
    documents.push(newest);
    Ok(documents)
}

/// Two accounts of the running estate's issuer, with all scopes of the contract.
async fn issued(estate: &Summary, service: &str, contract: &Contract) -> Result<Accounts> {
    let [a, b] = demo::accounts(service, &contract.scope());
    let narrow = TokenRequest {
        scope: String::new(),
        ..b.clone()
    };
    Ok(Accounts {
        a: Held::new(&issuer::token(estate, &a).await?)?,
        b: Held::new(&issuer::token(estate, &b).await?)?,
        narrow: Some(Held::new(&issuer::token(estate, &narrow).await?)?),
        ids: BTreeMap::new(),
        keys: Some(issuer::keys(estate).await?),
    })
}

/// The accounts whose tokens are named.
fn given(args: &Args) -> Result<Accounts> {
    let (Some(a), Some(b)) = (&args.token_a, &args.token_b) else {
        bail!("two test accounts are needed: give --token-a and --token-b");
    };
    let narrow = args.token_narrow.as_deref().map(held);
    Ok(Accounts {
        a: held(a)?,
        b: held(b)?,
        narrow: narrow.transpose()?,
        ids: BTreeMap::new(),
        keys: args.keys.as_deref().map(json).transpose()?,
    })
}

/// A token from where a reference leads: never from the command line, which others can read.
fn held(reference: &str) -> Result<Held> {
    let token = match reference.strip_prefix("env:") {
        Some(name) => std::env::var(name).with_context(|| format!("{name} is not set to a token")),
        None => {
            fs::read_to_string(reference).context("it cannot be read: give a file, or env:NAME")
        }
    };
    let token = token.and_then(|token| Held::new(&token));
    token.with_context(|| {
        // Whoever writes the token itself is not shown it again.
        let name = if reference.starts_with("eyJ") {
            "the token"
        } else {
            reference
        };
        format!("{name} is of no use")
    })
}

fn objects(named: &[String]) -> Result<BTreeMap<String, String>> {
    let pairs = named.iter().map(|pair| {
        let pair = pair.split_once('=');
        let (name, id) = pair.context("an object is NAME=ID, such as customerId=cus_000005")?;
        Ok((name.to_owned(), id.to_owned()))
    });
    pairs.collect()
}

fn json(file: &Path) -> Result<Value> {
    let text = fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("{} holds no JSON", file.display()))
}
