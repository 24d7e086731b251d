//! How a stack answers when a layer refuses: the codes are shared, gRPC and HTTP differ in form.

use axum::response::IntoResponse;
use http::Response;
use strata_core::{ErrorCode, TraceContext};
use strata_rest::Problem;

use crate::status::into_status;

/// A response type a layer can refuse with.
pub trait Refuse: Sized {
    /// The response for a code, with its safe sentence, the trace id and nothing else.
    fn refuse(code: ErrorCode, trace: Option<&TraceContext>) -> Self;
}

/// A trailers-only gRPC response. The caller knows the trace: it sent it.
impl Refuse for Response<tonic::body::Body> {
    fn refuse(code: ErrorCode, _: Option<&TraceContext>) -> Self {
        into_status(code.into()).into_http()
    }
}

/// A problem document (RFC 9457).
impl Refuse for Response<axum::body::Body> {
    fn refuse(code: ErrorCode, trace: Option<&TraceContext>) -> Self {
        let problem = Problem::from(code);
        let mut response = match trace {
            Some(trace) => problem.with_trace(*trace),
            None => problem,
        }
        .into_response();
        if code == ErrorCode::Unauthenticated {
            // RFC 6750, section 3.
            response.headers_mut().insert(
                http::header::WWW_AUTHENTICATE,
                http::HeaderValue::from_static("Bearer"),
            );
        }
        response
    }
}
