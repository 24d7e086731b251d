//! The trace a request belongs to (W3C Trace Context): taken from the caller or begun here, put on
//! every log line of the request, handed on by the client stack.

use std::task::{Context, Poll};

use http::Request;
use strata_core::Method;
use strata_telemetry::{RequestSpan, request_span};
use tower::{Layer, Service};
use tracing::{Instrument, instrument::Instrumented};

/// Puts the [`strata_core::TraceContext`] of this hop into the extensions and runs the request in
/// a span that carries its trace id.
#[derive(Clone, Copy, Debug)]
pub struct TraceLayer;

impl<S> Layer<S> for TraceLayer {
    type Service = Trace<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Trace { inner }
    }
}

/// See [`TraceLayer`].
#[derive(Clone, Debug)]
pub struct Trace<S> {
    inner: S,
}

impl<S, B> Service<Request<B>> for Trace<S>
where
    S: Service<Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Instrumented<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        // At the edge the trace begins before the route is known.
        let method = request
            .extensions()
            .get::<Method>()
            .map_or("edge", |method| method.path);
        let RequestSpan { span, trace } = request_span(request.headers(), method);
        request.extensions_mut().insert(trace);
        let response = span.in_scope(|| self.inner.call(request));
        response.instrument(span)
    }
}
