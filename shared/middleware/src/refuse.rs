//! How a stack answers when a layer refuses: the codes are shared, gRPC and HTTP differ in form.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll, ready},
};

use axum::response::IntoResponse;
use http::{HeaderMap, HeaderValue, Response, header};
use pin_project_lite::pin_project;
use strata_core::{ErrorCode, TraceContext};
use strata_grpc::into_status_with_wait;
use strata_limits::Refused;
use strata_rest::Problem;

use crate::status::into_status;

/// A response type a layer can refuse with.
pub trait Refuse: Sized {
    /// The response for a code, with its safe sentence, the trace id and nothing else.
    fn refuse(code: ErrorCode, trace: Option<&TraceContext>) -> Self;

    /// The same, with what an HTTP client is told of its token (RFC 6750, section 3): never why.
    /// Workloads are told nothing.
    #[must_use]
    fn challenged(self, challenge: HeaderValue) -> Self;

    /// The same, with when to come back: `Retry-After` (RFC 9110, section 10.2.3), and
    /// google.rpc.RetryInfo between services.
    #[must_use]
    fn retry_after(self, refused: Refused) -> Self;
}

impl<B: RefusalBody> Refuse for Response<B> {
    fn refuse(code: ErrorCode, trace: Option<&TraceContext>) -> Self {
        B::refusal(code, trace)
    }

    fn challenged(self, challenge: HeaderValue) -> Self {
        B::challenged(self, challenge)
    }

    fn retry_after(mut self, refused: Refused) -> Self {
        B::retry_after(self.headers_mut(), refused);
        self
    }
}

pin_project! {
    /// The answer, or a refusal with this code when none comes about.
    pub struct OrRefuse<F> {
        #[pin]
        response: F,
        code: ErrorCode,
        trace: Option<TraceContext>,
    }
}

impl<F> OrRefuse<F> {
    pub(crate) const fn new(response: F, code: ErrorCode, trace: Option<TraceContext>) -> Self {
        Self {
            response,
            code,
            trace,
        }
    }
}

impl<F, R, E> Future for OrRefuse<F>
where
    F: Future<Output = Result<Result<R, Infallible>, E>>,
    R: Refuse,
{
    type Output = Result<R, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = ready!(this.response.poll(cx));
        Poll::Ready(response.unwrap_or_else(|_| Ok(R::refuse(*this.code, this.trace.as_ref()))))
    }
}

/// A body that says what its protocol says of a refusal. A layer that wraps a body hands it on.
pub trait RefusalBody: Sized {
    /// See [`Refuse::refuse`].
    fn refusal(code: ErrorCode, trace: Option<&TraceContext>) -> Response<Self>;

    /// See [`Refuse::challenged`].
    fn challenged(refusal: Response<Self>, _: HeaderValue) -> Response<Self> {
        refusal
    }

    /// Writes what [`Refuse::retry_after`] says into the headers of a refusal with
    /// RESOURCE_EXHAUSTED.
    fn retry_after(headers: &mut HeaderMap, refused: Refused);

    /// The trailers that end an answer which has begun; none where it can only be broken off.
    fn trailers(code: ErrorCode) -> Option<HeaderMap>;
}

/// A token was given, and is not valid.
pub(crate) const INVALID_TOKEN: HeaderValue =
    HeaderValue::from_static("Bearer error=\"invalid_token\"");

/// The token lacks a scope; it needs all of these.
pub(crate) fn insufficient_scope(scope: &str) -> HeaderValue {
    let challenge = format!("Bearer error=\"insufficient_scope\", scope=\"{scope}\"");
    HeaderValue::try_from(challenge).unwrap_or(HeaderValue::from_static("Bearer"))
}

/// A trailers-only gRPC response. The caller knows the trace: it sent it.
impl RefusalBody for tonic::body::Body {
    fn refusal(code: ErrorCode, _: Option<&TraceContext>) -> Response<Self> {
        into_status(code.into()).into_http()
    }

    fn retry_after(headers: &mut HeaderMap, refused: Refused) {
        // The same status as it has, which writes its headers anew.
        let error = ErrorCode::ResourceExhausted.into();
        if into_status_with_wait(error, refused.wait)
            .add_header(headers)
            .is_err()
        {
            // It always is one of text: without it the refusal only says less.
            tracing::debug!("a refusal does not say when to come back");
        }
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
        match trace {
            Some(trace) => problem.with_trace(*trace),
            None => problem,
        }
        .into_response()
    }

    fn challenged(mut refusal: Response<Self>, challenge: HeaderValue) -> Response<Self> {
        let headers = refusal.headers_mut();
        headers.insert(header::WWW_AUTHENTICATE, challenge);
        refusal
    }

    fn retry_after(headers: &mut HeaderMap, refused: Refused) {
        headers.insert(header::RETRY_AFTER, refused.seconds().into());
    }

    fn trailers(_: ErrorCode) -> Option<HeaderMap> {
        None
    }
}
