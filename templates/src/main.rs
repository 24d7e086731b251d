//! The command line of the estate: `cargo strata <command>`.

mod attack;
mod catalogue;
mod check;
mod cli;
mod commands;
mod data_map;
mod demo;
mod digest;
mod documents;
mod events;
mod export;
mod issuer;
mod output;
mod pentest;
mod scaffold;

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = cli::run().await;
    output::exit_code(outcome)
}
