//! Errors as gRPC statuses with google.rpc.ErrorInfo. The other direction (an upstream's status
//! back to an error) is `strata_rest::from_status`.

use std::collections::HashMap;

use strata_core::{Call, Error, ErrorCode};
use tonic::{Code, Request, Status};
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

/// The context of a request, as the stack put it there.
///
/// # Errors
/// `INTERNAL` when no stack ran: a handler must not go on without a caller and a deadline.
pub fn call<T>(request: &Request<T>) -> Result<Call, Status> {
    request
        .extensions()
        .get::<Call>()
        .cloned()
        .ok_or_else(|| into_status(ErrorCode::Internal.into()))
}
