//! The two ends of a gRPC handler: the call it is given, and its errors as statuses.

use strata_core::{Call, ErrorCode};
pub use strata_grpc::into_status;
use tonic::{Request, Status};

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
