//! A panic ends one request, not the process. Its text may hold anything, so the client gets the
//! code and the trace id; the hook of shared/telemetry has logged where it happened.

use std::{
    convert::Infallible,
    panic::AssertUnwindSafe,
    task::{Context, Poll},
};

use futures_util::{FutureExt, future::CatchUnwind};
use http::Request;
use strata_core::{ErrorCode, TraceContext};
use tower::{Layer, Service};

use crate::refuse::{OrRefuse, Refuse};

/// Answers INTERNAL for a handler that panics.
#[derive(Clone, Copy, Debug)]
pub struct PanicLayer;

impl<S> Layer<S> for PanicLayer {
    type Service = CatchPanic<S>;

    fn layer(&self, inner: S) -> Self::Service {
        CatchPanic { inner }
    }
}

/// See [`PanicLayer`].
#[derive(Clone, Debug)]
pub struct CatchPanic<S> {
    inner: S,
}

impl<S, B, R> Service<Request<B>> for CatchPanic<S>
where
    S: Service<Request<B>, Response = R, Error = Infallible>,
    R: Refuse,
{
    type Response = R;
    type Error = Infallible;
    type Future = OrRefuse<CatchUnwind<AssertUnwindSafe<S::Future>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let trace = request.extensions().get::<TraceContext>().copied();
        // What a panicking handler leaves behind is dropped with its future; nothing is shared
        // with it but what is itself safe to share between threads.
        let response = AssertUnwindSafe(self.inner.call(request)).catch_unwind();
        OrRefuse::new(response, ErrorCode::Internal, trace)
    }
}
