//! The estate under load while something happens to it: certificates and CAs are replaced, services
//! are killed. Each case loads it at the same constant rate and counts every answer:
//! `cargo test --release -p strata-tests --test resilience -- --ignored --nocapture`.

#![cfg(test)]

mod audit;
mod certificates;
mod crashes;
mod users;

use std::process::ExitCode;

use strata_tests::{cases, run_on_demand};

fn main() -> anyhow::Result<ExitCode> {
    run_on_demand(
        cases![
            certificates::ten_rotations_in_a_minute_lose_no_request,
            certificates::a_replaced_ca_loses_no_request_and_its_old_leaf_is_refused,
            audit::what_was_answered_outlives_twenty_kills,
            crashes::a_killed_service_harms_only_what_goes_through_it,
        ],
        "it takes minutes and needs `--release`",
    )
}
