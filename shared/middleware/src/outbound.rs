//! What every call to another workload carries: whom it is for, until when, in which trace. It
//! comes from the [`Call`] being served, so a handler can neither forget nor invent it.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::{HeaderMap, Request, Response};
use pin_project_lite::pin_project;
use strata_core::{Call, ErrorCode};
use strata_net::Outgoing;
use tokio::time::{Sleep, sleep_until};
use tonic::{Status, body::Body};
use tower::{Layer, Service};

use crate::{deadline, status::into_status, transaction_token};

/// A request and the call it is made for.
#[derive(Debug)]
pub struct OnBehalfOf {
    /// What is being served.
    pub call: Call,
    /// What is asked of another service for it.
    pub request: Request<Body>,
}

/// Writes the call into the request's metadata, and ends at its deadline. Whatever kept the answer
/// from coming, callers see one of two statuses: DEADLINE_EXCEEDED or UNAVAILABLE.
#[derive(Clone, Copy, Debug)]
pub struct OutboundLayer;

impl<S> Layer<S> for OutboundLayer {
    type Service = Outbound<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Outbound { inner }
    }
}

/// See [`OutboundLayer`].
#[derive(Clone, Debug)]
pub struct Outbound<S> {
    inner: S,
}

impl<S, B> Service<OnBehalfOf> for Outbound<S>
where
    S: Service<Outgoing, Response = Response<B>>,
    S::Error: fmt::Display,
{
    type Response = S::Response;
    type Error = Status;
    type Future = Sending<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Status>> {
        self.inner
            .poll_ready(cx)
            .map_err(|error| unavailable(&error))
    }

    fn call(&mut self, OnBehalfOf { call, mut request }: OnBehalfOf) -> Self::Future {
        let outgoing = write(&call, request.headers_mut())
            .map_err(|code| into_status(code.into()))
            .and_then(|()| Outgoing::new(request, call.deadline));
        let state = match outgoing {
            Ok(outgoing) => State::Sent {
                answer: self.inner.call(outgoing),
                over: sleep_until(call.deadline.into()),
            },
            Err(status) => State::Refused {
                status: Some(status),
            },
        };
        Sending { state }
    }
}

pin_project! {
    /// A call until its deadline.
    pub struct Sending<F> {
        #[pin]
        state: State<F>,
    }
}

pin_project! {
    #[project = Projected]
    enum State<F> {
        Sent {
            #[pin]
            answer: F,
            #[pin]
            over: Sleep,
        },
        Refused {
            status: Option<Status>,
        },
    }
}

impl<F, B, E> Future for Sending<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    E: fmt::Display,
{
    type Output = Result<Response<B>, Status>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            Projected::Sent { answer, over } => {
                if let Poll::Ready(answer) = answer.poll(cx) {
                    return Poll::Ready(answer.map_err(|error| unavailable(&error)));
                }
                ready!(over.poll(cx));
                Poll::Ready(Err(into_status(ErrorCode::DeadlineExceeded.into())))
            }
            Projected::Refused { status } => match status.take() {
                Some(status) => Poll::Ready(Err(status)),
                None => Poll::Pending,
            },
        }
    }
}

/// What changes for an upstream as a whole is logged where it is found; of single calls there may be
/// many.
fn unavailable(error: &dyn fmt::Display) -> Status {
    tracing::debug!(%error, "a call to another service has no answer");
    into_status(ErrorCode::Unavailable.into())
}

fn write(call: &Call, headers: &mut HeaderMap) -> Result<(), ErrorCode> {
    deadline::write(call.deadline, headers)?;
    strata_telemetry::inject(&call.trace, headers);
    transaction_token::write(call, headers)
}
