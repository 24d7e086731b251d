//! What the estate costs, beside the same chain without it: `cargo test --release -p strata-tests
//! --test load -- --ignored`. Timings belong here and in no other suite.

#![cfg(test)]

mod bare;
mod floods;
mod hidden;
mod layer;
mod machine;
mod plans;
mod ratio;
mod report;
mod shares;
mod trail;
mod users;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

fn main() -> anyhow::Result<ExitCode> {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some(bare::ROLE) {
        bare::run(&arguments.next().unwrap_or_default())?;
        return Ok(ExitCode::SUCCESS);
    }
    if floods::has_role()? {
        return Ok(ExitCode::SUCCESS);
    }
    let trials = vec![
        Trial::test("ratio::a_request_costs_little_more_than_bare", || {
            tokio::runtime::Runtime::new()?
                .block_on(ratio::a_request_costs_little_more_than_bare())
                .map_err(|error| Failed::from(format!("{error:#}")))
        })
        .with_ignored_flag(true),
        Trial::test("shares::each_part_has_its_share", || {
            tokio::runtime::Runtime::new()?
                .block_on(shares::each_part_has_its_share())
                .map_err(|error| Failed::from(format!("{error:#}")))
        })
        .with_ignored_flag(true),
        Trial::test(
            "hidden::what_is_anothers_takes_as_long_as_what_is_missing",
            || {
                tokio::runtime::Runtime::new()?
                    .block_on(hidden::what_is_anothers_takes_as_long_as_what_is_missing())
                    .map_err(|error| Failed::from(format!("{error:#}")))
            },
        )
        .with_ignored_flag(true),
        Trial::test("floods::each_is_refused_and_harms_nobody_else", || {
            tokio::runtime::Runtime::new()?
                .block_on(floods::each_is_refused_and_harms_nobody_else())
                .map_err(|error| Failed::from(format!("{error:#}")))
        })
        .with_ignored_flag(true),
    ];
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    let conclusion = libtest_mimic::run(&arguments, trials);
    if conclusion.num_ignored > 0 {
        println!(
            "ignored: each loads the machine for a minute; run them with \
             `cargo test --release -p strata-tests --test load -- --ignored`"
        );
    }
    Ok(conclusion.exit_code())
}
