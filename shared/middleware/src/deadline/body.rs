//! The deadline of an answer that has begun. The layer above bounds the time to its head, as tonic's
//! `Server::timeout` does; a stream goes on after that.

use std::{
    error::Error,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Instant,
};

use http::{HeaderMap, Request, Response};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use strata_core::{ErrorCode, TraceContext};
use strata_limits::Refused;
use tokio::time::{Sleep, sleep_until};
use tower::{Layer, Service};

use super::Deadline;
use crate::refuse::RefusalBody;

/// Ends an answer's body at the request's [`Deadline`], which the layer outside of this one has set:
/// with DEADLINE_EXCEEDED in the trailers of gRPC, broken off over HTTP.
#[derive(Clone, Copy, Debug)]
pub struct BodyDeadlineLayer;

impl<S> Layer<S> for BodyDeadlineLayer {
    type Service = KeepBodyDeadline<S>;

    fn layer(&self, inner: S) -> Self::Service {
        KeepBodyDeadline { inner }
    }
}

/// See [`BodyDeadlineLayer`].
#[derive(Clone, Debug)]
pub struct KeepBodyDeadline<S> {
    inner: S,
}

impl<S, B, R> Service<Request<B>> for KeepBodyDeadline<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    R: Body,
{
    type Response = Response<Timed<R>>;
    type Error = S::Error;
    type Future = Answering<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let deadline = request.extensions().get().map(|Deadline(at)| *at);
        Answering {
            deadline,
            response: self.inner.call(request),
        }
    }
}

pin_project! {
    /// An answer on its way.
    pub struct Answering<F> {
        #[pin]
        response: F,
        deadline: Option<Instant>,
    }
}

impl<F, B, E> Future for Answering<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body,
{
    type Output = Result<Response<Timed<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = ready!(this.response.poll(cx))?;
        let deadline = *this.deadline;
        Poll::Ready(Ok(response.map(|body| {
            // One of known length is there already: it may say that the deadline was missed.
            let whole = body.size_hint().exact().is_some();
            Timed::until(deadline.filter(|_| !whole), body)
        })))
    }
}

pin_project! {
    /// A body until its deadline.
    pub struct Timed<B> {
        // None once it is over: what made it stops at once.
        #[pin]
        body: Option<B>,
        deadline: Option<Instant>,
        // A body that is there at once, as most are, needs no timer.
        #[pin]
        timer: Option<Sleep>,
    }
}

impl<B> Timed<B> {
    const fn until(deadline: Option<Instant>, body: B) -> Self {
        Self {
            body: Some(body),
            deadline,
            timer: None,
        }
    }
}

impl<B> Body for Timed<B>
where
    B: Body + RefusalBody,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    type Data = B::Data;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, Self::Error>>> {
        let mut this = self.project();
        let Some(body) = this.body.as_mut().as_pin_mut() else {
            return Poll::Ready(None);
        };
        let overdue = this.deadline.is_some_and(|at| at <= Instant::now());
        if !overdue {
            if let Poll::Ready(frame) = body.poll_frame(cx) {
                return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
            }
            if let (Some(at), None) = (*this.deadline, this.timer.as_ref().as_pin_ref()) {
                this.timer.set(Some(sleep_until(at.into())));
            }
            match this.timer.as_pin_mut() {
                Some(timer) => ready!(timer.poll(cx)),
                None => return Poll::Pending,
            }
        }
        this.body.set(None);
        let code = ErrorCode::DeadlineExceeded;
        Poll::Ready(Some(match B::trailers(code) {
            Some(trailers) => Ok(Frame::trailers(trailers)),
            None => Err(code.safe_message().into()),
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map(Body::size_hint).unwrap_or_default()
    }
}

impl<B: RefusalBody> RefusalBody for Timed<B> {
    fn refusal(code: ErrorCode, trace: Option<&TraceContext>) -> Response<Self> {
        // Whole as it is: it needs no time, and may be the answer to a missed deadline.
        B::refusal(code, trace).map(|body| Timed::until(None, body))
    }

    fn retry_after(headers: &mut HeaderMap, refused: Refused) {
        B::retry_after(headers, refused);
    }

    fn trailers(code: ErrorCode) -> Option<HeaderMap> {
        B::trailers(code)
    }
}
