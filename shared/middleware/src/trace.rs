//! The trace a request belongs to (W3C Trace Context): taken from the caller or begun here, put on
//! every log line of the request, handed on by the client stack.

use std::task::{Context, Poll};

use http::Request;
use strata_core::Method;
use strata_telemetry::{RequestTrace, Sampling, Traced};
use tower::{Layer, Service};

/// Puts the [`strata_core::TraceContext`] of this hop into the extensions and runs the request
/// within its trace.
#[derive(Clone, Copy, Debug)]
pub struct TraceLayer {
    sampling: Sampling,
}

impl TraceLayer {
    /// A layer that records what `sampling` chooses.
    #[must_use]
    pub const fn new(sampling: Sampling) -> Self {
        Self { sampling }
    }
}

impl<S> Layer<S> for TraceLayer {
    type Service = Trace<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Trace {
            sampling: self.sampling,
            inner,
        }
    }
}

/// See [`TraceLayer`].
#[derive(Clone, Debug)]
pub struct Trace<S> {
    sampling: Sampling,
    inner: S,
}

impl<S, B> Service<Request<B>> for Trace<S>
where
    S: Service<Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Traced<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        // At the edge the trace begins before the route is known.
        let method = request
            .extensions()
            .get::<Method>()
            .map_or("edge", |method| method.path);
        let traced = RequestTrace::of(request.headers(), method, self.sampling);
        request.extensions_mut().insert(traced.trace);
        let response = traced.run(|| self.inner.call(request));
        traced.around(response)
    }
}
