//! The rule of the layers against the real processes: who is answered, who is refused, and by the
//! processes' own count that no handler ran for the refused.

#![cfg(test)]

mod callees;
mod callers;
mod exemptions;
mod matrix;
mod outside;
mod strangers;
mod transaction_tokens;
mod wire;

use std::process::ExitCode;

use strata_tests::{cases, run};

fn main() -> anyhow::Result<ExitCode> {
    run(cases![
        matrix::only_declared_edges_answer,
        matrix::a_method_that_does_not_exist_is_refused,
        strangers::every_flaw_is_refused_before_a_request,
        wire::only_tls_1_3_is_spoken,
        callees::an_upstream_that_is_another_is_refused,
        callees::an_upstream_that_is_another_is_refused_at_the_edge,
        outside::a_forged_principal_is_stripped,
        outside::the_access_token_goes_no_further_than_the_edge,
        transaction_tokens::only_the_edge_says_who_the_user_is,
        transaction_tokens::a_call_that_needs_a_user_and_has_none_is_refused,
        exemptions::an_exempted_caller_is_answered_and_each_use_is_told,
        exemptions::nobody_else_of_its_layer_gets_through_the_handshake,
        exemptions::an_exemption_past_its_date_is_refused,
        exemptions::a_bundle_comes_and_goes_with_its_exemption,
    ])
}
