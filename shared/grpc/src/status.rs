//! Errors as gRPC statuses with google.rpc.ErrorInfo. The other direction (an upstream's status
//! back to an error) is `strata_rest::from_status`.

use std::collections::HashMap;

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
    let details = ErrorDetails::with_error_info(
        error.code().as_str(),
        strata_config::ORGANISATION,
        HashMap::new(),
    );
    Status::with_error_details(
        Code::from_i32(error.code().grpc()),
        error.message(),
        details,
    )
}
