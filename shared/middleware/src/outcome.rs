//! Counts how calls to an upstream end.

use std::task::{Context, Poll};

use http::Response;
use strata_core::ErrorCode;
use strata_net::Outgoing;
use strata_telemetry::UpstreamMetrics;
use tower::{Layer, Service};

use crate::ending::{Ending, Watch, Watched};

/// Counts on the metrics of one upstream.
#[derive(Clone, Debug)]
pub struct OutcomeLayer {
    metrics: UpstreamMetrics,
}

impl OutcomeLayer {
    /// A layer that counts on `metrics`.
    #[must_use]
    pub const fn new(metrics: UpstreamMetrics) -> Self {
        Self { metrics }
    }
}

impl<S> Layer<S> for OutcomeLayer {
    type Service = Outcome<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Outcome {
            metrics: self.metrics.clone(),
            inner,
        }
    }
}

/// See [`OutcomeLayer`].
#[derive(Clone, Debug)]
pub struct Outcome<S> {
    metrics: UpstreamMetrics,
    inner: S,
}

impl<S, B> Service<Outgoing> for Outcome<S>
where
    S: Service<Outgoing, Response = Response<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Watched<S::Future, Count, S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, outgoing: Outgoing) -> Self::Future {
        let deadline = outgoing.deadline;
        let count = Count(self.metrics.clone());
        Watched::new(self.inner.call(outgoing), deadline, count)
    }
}

/// Counts one call.
#[derive(Debug)]
pub struct Count(UpstreamMetrics);

impl<E> Watch<E> for Count {
    fn ended(&mut self, ending: Ending<'_, E>) {
        match ending {
            Ending::Answered(None) => self.0.answered(),
            Ending::Answered(Some(code)) => {
                self.0.failed(code);
                if code == ErrorCode::Internal {
                    self.0.complain("it failed, or speaks no gRPC");
                }
            }
            Ending::Failed(_) => self.0.failed(ErrorCode::Unavailable),
            Ending::Missed => self.0.failed(ErrorCode::DeadlineExceeded),
            Ending::Abandoned => self.0.abandoned(),
        }
    }
}
