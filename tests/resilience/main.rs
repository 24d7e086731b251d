//! The estate under load while something happens to it: certificates and CAs are replaced, services
//! are killed or hang, fail what they are asked, have a wrong clock or a full disk, or cannot be reached.
//! What each may cost, and for how long, is said in `docs/resilience.md` and asserted here. Each case loads
//! the estate at the same constant rate and counts every answer:
//! `cargo test --release -p strata-tests --test resilience -- --ignored --nocapture`.

#![cfg(test)]

mod audit;
mod certificates;
mod clocks;
mod crashes;
mod disks;
mod hangs;
mod networks;
mod storms;
mod trial;
mod users;
mod ways;

use std::process::ExitCode;

use strata_tests::{cases, run_on_demand};

fn main() -> anyhow::Result<ExitCode> {
    run_on_demand(
        cases![
            certificates::ten_rotations_in_a_minute_lose_no_request,
            certificates::a_replaced_ca_loses_no_request_and_its_old_leaf_is_refused,
            audit::what_was_answered_outlives_twenty_kills,
            crashes::a_killed_service_harms_only_what_goes_through_it,
            hangs::a_hung_service_is_given_up_and_taken_up_again,
            storms::retries_stay_within_their_budget_for_long,
            clocks::clocks_that_step_together_harm_only_what_is_under_way,
            clocks::a_clock_that_steps_alone_harms_only_what_goes_by_it,
            disks::nobody_is_served_while_the_disk_of_the_trail_is_full,
            disks::nothing_is_half_written_while_the_disk_of_the_store_is_full,
            networks::a_partition_harms_only_what_crosses_it,
            networks::a_network_that_swallows_everything_is_found_out,
        ],
        "it takes minutes and needs `--release`",
    )
}
