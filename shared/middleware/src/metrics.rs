//! Count, duration and log line of every request that reached a declared method, answered or not.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Instant,
};

use http::{Request, Response};
use pin_project_lite::pin_project;
use strata_core::{ErrorCode, Method};
use strata_telemetry::RequestMetrics;
use tower::{Layer, Service};

use crate::deadline::Deadline;

/// Records the matched [`Method`]; what has none was refused before and counts as an event.
#[derive(Clone)]
pub struct MetricsLayer {
    requests: RequestMetrics,
}

impl MetricsLayer {
    /// A layer that records to `requests`.
    #[must_use]
    pub const fn new(requests: RequestMetrics) -> Self {
        Self { requests }
    }
}

impl<S> Layer<S> for MetricsLayer {
    type Service = Measure<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Measure {
            requests: self.requests.clone(),
            inner,
        }
    }
}

/// See [`MetricsLayer`].
#[derive(Clone)]
pub struct Measure<S> {
    requests: RequestMetrics,
    inner: S,
}

impl<S, B, R> Service<Request<B>> for Measure<S>
where
    S: Service<Request<B>, Response = Response<R>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Measured<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let method = request
            .extensions()
            .get::<Method>()
            .map_or("unmatched", |method| method.path);
        Measured {
            requests: self.requests.clone(),
            method,
            begun: Instant::now(),
            deadline: request.extensions().get().map(|&Deadline(at)| at),
            otherwise: Some(ABANDONED),
            response: self.inner.call(request),
        }
    }
}

/// gRPC's status of that name.
const OUT_OF_RANGE: i32 = 11;

/// Whoever asked went away, or a layer outside answered in the handler's place.
pub(crate) const ABANDONED: &str = "ABANDONED";

pin_project! {
    /// The answer, recorded when it is there; and what became of it, when none will be.
    pub struct Measured<F> {
        #[pin]
        response: F,
        requests: RequestMetrics,
        method: &'static str,
        begun: Instant,
        deadline: Option<Instant>,
        // What is recorded if the future goes no further; nothing once the answer is.
        otherwise: Option<&'static str>,
    }

    impl<F> PinnedDrop for Measured<F> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            let Some(otherwise) = *this.otherwise else {
                return;
            };
            let late = this.deadline.is_some_and(|deadline| deadline <= Instant::now());
            let outcome = match otherwise {
                ABANDONED if late => ErrorCode::DeadlineExceeded.as_str(),
                outcome => outcome,
            };
            record(this.requests, this.method, outcome, *this.begun);
        }
    }
}

impl<F, R, E> Future for Measured<F>
where
    F: Future<Output = Result<Response<R>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        // Left so by a handler that panics.
        *this.otherwise = Some(ErrorCode::Internal.as_str());
        let Poll::Ready(answered) = this.response.poll(cx) else {
            *this.otherwise = Some(ABANDONED);
            return Poll::Pending;
        };
        *this.otherwise = None;
        if let Ok(response) = &answered {
            record(this.requests, this.method, outcome(response), *this.begun);
        }
        Poll::Ready(answered)
    }
}

fn record(requests: &RequestMetrics, method: &'static str, outcome: &'static str, begun: Instant) {
    let seconds = begun.elapsed().as_secs_f64();
    requests.record(method, outcome, seconds);
    tracing::debug!(method, outcome, seconds, "answered");
}

/// The code of a refusal or failure, `OK` otherwise. gRPC sends it in the headers when there is no
/// message (trailers-only), which is how every refusal here is sent.
pub(crate) fn outcome<R>(response: &Response<R>) -> &'static str {
    let grpc = response
        .headers()
        .get("grpc-status")
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.parse::<i32>().ok());
    match grpc {
        Some(0) => "OK",
        // tonic's word for a message that is too large.
        Some(OUT_OF_RANGE) => ErrorCode::InvalidArgument.as_str(),
        Some(number) => ErrorCode::from_grpc(number).as_str(),
        None if response.status().is_success() => "OK",
        None => ErrorCode::ALL
            .into_iter()
            .find(|code| code.http() == response.status())
            .map_or("INVALID_ARGUMENT", ErrorCode::as_str),
    }
}
