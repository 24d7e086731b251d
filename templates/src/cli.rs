//! The commands and what they share.

use anyhow::{Error, Result};
use clap::{
    Parser, Subcommand, ValueEnum,
    builder::{PossibleValuesParser, TypedValueParser},
};
use strata_config::Environment;

use crate::{
    commands::{
        attack, audit, catalogue, check, data_map, events, graph, manifest, new, openapi, pentest,
        pki, token, up,
    },
    output::NoJudgement,
};

/// Runs and checks the estate.
#[derive(Parser)]
#[command(
    name = "strata",
    bin_name = "cargo strata",
    version,
    after_help = "Example:\n  cargo strata up --once"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Up(up::Args),
    New(new::Args),
    Pki(pki::Args),
    Token(token::Args),
    Audit(audit::Args),
    Attack(attack::Args),
    Pentest(pentest::Args),
    Graph(graph::Args),
    Openapi(openapi::Args),
    DataMap(data_map::Args),
    Catalogue(catalogue::Args),
    Events(events::Args),
    Check(check::Args),
    Manifest(manifest::Args),
}

/// How to print data: for people, or for programs.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Text,
    Json,
}

/// Reads an environment's name, and knows them all for `--help`.
pub(crate) fn environment() -> impl TypedValueParser<Value = Environment> {
    PossibleValuesParser::new(Environment::ALL.map(Environment::as_str))
        .try_map(|name| name.parse::<Environment>())
}

/// Does what the command line says.
pub(crate) async fn run() -> Result<()> {
    let usage = |error: clap::Error| match std::env::args_os().nth(1) {
        // Its exit code 1 says that something was found.
        Some(command) if command == "attack" => Error::new(error).context(NoJudgement),
        _ => error.into(),
    };
    match Cli::try_parse().map_err(usage)?.command {
        Command::Up(args) => up::run(args).await,
        Command::New(args) => new::run(args).await,
        Command::Pki(args) => pki::run(args),
        Command::Token(args) => token::run(args).await,
        Command::Audit(args) => audit::run(args).await,
        Command::Attack(args) => attack::run(args).await,
        Command::Pentest(args) => pentest::run(&args),
        Command::Graph(args) => graph::run(&args),
        Command::Openapi(args) => openapi::run(&args),
        Command::DataMap(args) => data_map::run(args).await,
        Command::Catalogue(args) => catalogue::run(&args),
        Command::Events(args) => events::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Manifest(args) => manifest::run(&args),
    }
}
