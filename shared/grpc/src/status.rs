//! Errors as gRPC statuses with google.rpc.ErrorInfo. The other direction (an upstream's status
//! back to an error) is `strata_rest::from_status`.

use std::{collections::HashMap, time::Duration};

use strata_core::Error;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// The status of an error: what a handler answers with.
#[must_use]
#[expect(
    clippy::needless_pass_by_value,
    reason = "made for `map_err(into_status)`"
)]
pub fn into_status(error: Error) -> Status {
    with_details(&error, details(&error))
}

/// The same with google.rpc.RetryInfo: when to come back.
#[must_use]
#[expect(
    clippy::needless_pass_by_value,
    reason = "as `into_status`, of which it is a kind"
)]
pub fn into_status_with_wait(error: Error, wait: Duration) -> Status {
    let mut details = details(&error);
    details.set_retry_info(Some(wait));
    with_details(&error, details)
}

fn details(error: &Error) -> ErrorDetails {
    ErrorDetails::with_error_info(
        error.code().as_str(),
        strata_config::ORGANISATION,
        HashMap::new(),
    )
}

fn with_details(error: &Error, details: ErrorDetails) -> Status {
    Status::with_error_details(
        Code::from_i32(error.code().grpc()),
        error.message(),
        details,
    )
}
