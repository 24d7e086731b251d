//! The estate before programs that nothing of it is in: gRPC clients of other languages, an
//! examiner of TLS, and an issuer of tokens.

#![cfg(test)]

mod foreign;
mod grpc;
mod issuer;
mod profile;

use std::{process::ExitCode, time::Duration};

use strata_tests::{cases, run};

/// Far above what anything needs: it ends a test that hangs.
const PATIENCE: Duration = Duration::from_secs(30);

fn main() -> anyhow::Result<ExitCode> {
    run(cases![
        grpc::grpcio_gets_answers,
        grpc::grpc_js_gets_answers,
        grpc::grpcio_is_refused_without_the_right_svid,
        grpc::grpc_js_is_refused_without_the_right_svid,
        grpc::neither_talks_to_another_service,
        issuer::a_certified_provider_is_an_issuer,
        profile::every_port_is_modern,
        profile::a_port_that_is_not_modern_is_found_out,
    ])
}
