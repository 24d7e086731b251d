//! How a stack answers when a layer refuses: the codes are shared, gRPC and HTTP differ in form.

use axum::response::IntoResponse;
use http::{HeaderMap, HeaderValue, Response, header};
use strata_core::{ErrorCode, TraceContext};
use strata_rest::Problem;

use crate::status::into_status;

/// A response type a layer can refuse with.
pub trait Refuse: Sized {
    /// The response for a code, with its safe sentence, the trace id and nothing else.
    fn refuse(code: ErrorCode, trace: Option<&TraceContext>) -> Self;
}

impl<B: RefusalBody> Refuse for Response<B> {
    fn refuse(code: ErrorCode, trace: Option<&TraceContext>) -> Self {
        B::refusal(code, trace)
    }
}

/// A body that says what its protocol says of a refusal. A layer that wraps a body hands it on.
pub trait RefusalBody: Sized {
    /// See [`Refuse::refuse`].
    fn refusal(code: ErrorCode, trace: Option<&TraceContext>) -> Response<Self>;

    /// The trailers that end an answer which has begun; none where it can only be broken off.
    fn trailers(code: ErrorCode) -> Option<HeaderMap>;
}

/// A trailers-only gRPC response. The caller knows the trace: it sent it.
impl RefusalBody for tonic::body::Body {
    fn refusal(code: ErrorCode, _: Option<&TraceContext>) -> Response<Self> {
        into_status(code.into()).into_http()
    }

    fn trailers(code: ErrorCode) -> Option<HeaderMap> {
        let mut trailers = HeaderMap::new();
        into_status(code.into()).add_header(&mut trailers).ok()?;
        Some(trailers)
    }
}

/// A problem document (RFC 9457).
impl RefusalBody for axum::body::Body {
    fn refusal(code: ErrorCode, trace: Option<&TraceContext>) -> Response<Self> {
        let problem = Problem::from(code);
        let mut response = match trace {
            Some(trace) => problem.with_trace(*trace),
            None => problem,
        }
        .into_response();
        let hint = match code {
            // RFC 6750, section 3.
            ErrorCode::Unauthenticated => Some((header::WWW_AUTHENTICATE, "Bearer")),
            // RFC 9110, section 10.2.3: in so many seconds.
            ErrorCode::Unavailable => Some((header::RETRY_AFTER, "1")),
            _ => None,
        };
        if let Some((name, value)) = hint {
            response
                .headers_mut()
                .insert(name, HeaderValue::from_static(value));
        }
        response
    }

    fn trailers(_: ErrorCode) -> Option<HeaderMap> {
        None
    }
}
