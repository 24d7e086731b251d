//! The catalogue of attacks, one row each: which tests hold it, and that there are these tests; and attacks
//! on the running estate that no other suite makes. `cargo test -p strata-tests --test attacks -- --write`
//! writes docs/security/attacks.md anew.

#![cfg(test)]

mod bodies;
mod catalogue;
mod checks;
mod defined;
mod dependencies;
mod floods;
mod identity;
mod paper;
mod roles;
mod signs;
mod slowness;
mod trail;
mod verbs;

use std::{process::ExitCode, time::Duration};

use strata_tests::{cases, check, run_after};

/// Far above what anything needs: it ends a test that hangs.
const PATIENCE: Duration = Duration::from_secs(30);
const OVERVIEW: &str = "/v1/me/overview";
const CONTACT: &str = "/v1/me/contact";

fn main() -> anyhow::Result<ExitCode> {
    if std::env::args().any(|argument| argument == "--write") {
        paper::write()?;
        return Ok(ExitCode::SUCCESS);
    }
    let checks = vec![
        check(
            "checks::a_mistake_in_a_catalogue_is_found",
            checks::a_mistake_in_a_catalogue_is_found,
        ),
        check("checks::each_row_is_whole", checks::each_row_is_whole),
        check(
            "checks::each_test_that_is_named_exists",
            checks::each_test_that_is_named_exists,
        ),
        check(
            "checks::each_control_belongs_to_a_row",
            checks::each_control_belongs_to_a_row,
        ),
        check("paper::it_is_what_the_catalogue_says", paper::is_current),
    ];
    run_after(
        checks,
        cases![
            identity::no_session_is_resumed_between_services,
            identity::who_is_refused_at_the_handshake_is_in_the_trail,
            verbs::a_verb_that_no_route_has_is_refused,
            verbs::nothing_for_operators_is_on_an_edge,
            roles::each_role_gets_what_the_table_says,
            bodies::a_body_that_grows_or_goes_deep_is_refused,
            floods::each_is_cut_off_and_harms_nobody_beside,
            slowness::who_is_slow_is_closed_and_harms_nobody_beside,
            signs::no_answer_says_what_serves_it,
            trail::each_decision_under_load_is_recorded_once,
            dependencies::what_is_not_allowed_is_refused,
        ],
    )
}
