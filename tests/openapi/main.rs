//! The OpenAPI documents against the OpenAPI schema, and the services against their documents. The
//! tools are Python's.

#![cfg(test)]

mod fuzz;
mod validity;

use std::process::ExitCode;

use strata_tests::{cases, run};

fn main() -> anyhow::Result<ExitCode> {
    run(cases![
        validity::every_committed_document_is_openapi_3_1,
        fuzz::every_answer_is_as_documented,
    ])
}
