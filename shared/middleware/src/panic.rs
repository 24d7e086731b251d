//! A panic ends one request, not the process. Its text may hold anything, so the client gets the
//! code and the trace id; the hook of shared/telemetry has logged where it happened.

use std::{
    convert::Infallible,
    panic::AssertUnwindSafe,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_util::{FutureExt, future::CatchUnwind};
use http::Request;
use pin_project_lite::pin_project;
use strata_core::{ErrorCode, TraceContext};
use tower::{Layer, Service};

use crate::refuse::Refuse;

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
    type Future = Caught<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let trace = request.extensions().get::<TraceContext>().copied();
        // What a panicking handler leaves behind is dropped with its future; nothing is shared
        // with it but what is itself safe to share between threads.
        let response = AssertUnwindSafe(self.inner.call(request)).catch_unwind();
        Caught { response, trace }
    }
}

pin_project! {
    /// The answer, or INTERNAL.
    pub struct Caught<F> {
        #[pin]
        response: CatchUnwind<AssertUnwindSafe<F>>,
        trace: Option<TraceContext>,
    }
}

impl<F, R> Future for Caught<F>
where
    F: Future<Output = Result<R, Infallible>>,
    R: Refuse,
{
    type Output = Result<R, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        Poll::Ready(
            ready!(this.response.poll(cx))
                .unwrap_or_else(|_| Ok(R::refuse(ErrorCode::Internal, this.trace.as_ref()))),
        )
    }
}
