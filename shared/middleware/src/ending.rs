//! How a call to an upstream ended, for whoever keeps count of it.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Instant,
};

use http::Response;
use pin_project_lite::pin_project;
use strata_core::ErrorCode;

/// What gRPC's content types begin with (gRPC over HTTP/2, "Responses").
const GRPC: &[u8] = b"application/grpc";

/// An end.
pub enum Ending<'a, E> {
    /// The callee answered: well, or with a code.
    Answered(Option<ErrorCode>),
    /// There was no answer.
    Failed(&'a E),
    /// There was none by the deadline.
    Missed,
    /// Nobody waits for one any more.
    Abandoned,
}

/// Learns how one call ends.
pub trait Watch<E> {
    /// Once for each call.
    fn ended(&mut self, ending: Ending<'_, E>);
}

pin_project! {
    /// A call that tells how it ended, also when it is dropped.
    pub struct Watched<F, W, E>
    where
        W: Watch<E>,
    {
        #[pin]
        call: F,
        watch: Watching<W, E>,
    }
}

/// Tells at its end what nobody told before.
struct Watching<W: Watch<E>, E> {
    watch: Option<W>,
    deadline: Instant,
    error: std::marker::PhantomData<fn(E)>,
}

impl<F, W: Watch<E>, E> Watched<F, W, E> {
    pub(crate) const fn new(call: F, deadline: Instant, watch: W) -> Self {
        Self {
            call,
            watch: Watching {
                watch: Some(watch),
                deadline,
                error: std::marker::PhantomData,
            },
        }
    }
}

impl<F, W, E, B> Future for Watched<F, W, E>
where
    F: Future<Output = Result<Response<B>, E>>,
    W: Watch<E>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let answer = ready!(this.call.poll(cx));
        if let Some(mut watch) = this.watch.watch.take() {
            watch.ended(match &answer {
                Ok(answer) => Ending::Answered(code(answer)),
                Err(error) => Ending::Failed(error),
            });
        }
        Poll::Ready(answer)
    }
}

impl<W: Watch<E>, E> Drop for Watching<W, E> {
    fn drop(&mut self) {
        if let Some(mut watch) = self.watch.take() {
            // Whoever dropped it: past the deadline it was dropped for want of an answer.
            watch.ended(if Instant::now() >= self.deadline {
                Ending::Missed
            } else {
                Ending::Abandoned
            });
        }
    }
}

/// What the head says. A refusal has its status there (trailers-only); a handler that fails later
/// has answered. What is no gRPC is a defect of the callee.
fn code<B>(answer: &Response<B>) -> Option<ErrorCode> {
    let content = answer.headers().get(http::header::CONTENT_TYPE);
    if !content.is_some_and(|content| content.as_bytes().starts_with(GRPC)) {
        return Some(ErrorCode::Internal);
    }
    let status = answer.headers().get("grpc-status")?;
    match status.to_str().ok().and_then(|text| text.parse().ok()) {
        Some(0) => None,
        Some(number) => Some(ErrorCode::from_grpc(number)),
        None => Some(ErrorCode::Internal),
    }
}
