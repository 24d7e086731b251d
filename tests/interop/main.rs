//! The estate before programs that nothing of it is in: gRPC clients of other languages, and an
//! examiner of TLS.

#![cfg(test)]

mod foreign;
mod grpc;
mod profile;

use std::process::ExitCode;

use strata_tests::{cases, run};

fn main() -> anyhow::Result<ExitCode> {
    run(cases![
        grpc::grpcio_gets_answers,
        grpc::grpc_js_gets_answers,
        grpc::grpcio_is_refused_without_the_right_svid,
        grpc::grpc_js_is_refused_without_the_right_svid,
        grpc::neither_talks_to_another_service,
        profile::every_port_is_modern,
        profile::a_port_that_is_not_modern_is_found_out,
    ])
}
