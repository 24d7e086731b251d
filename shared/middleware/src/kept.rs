//! What an answer keeps from its head to its last byte, and what is done around each step of it.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::{HeaderMap, HeaderValue, Response};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use strata_core::{ErrorCode, TraceContext};
use strata_limits::Refused;

use crate::refuse::RefusalBody;

/// What a request has while it is answered. It is dropped with the body.
pub trait Keep {
    /// Runs one step of making or sending the answer.
    fn around<R>(&self, step: impl FnOnce() -> R) -> R {
        step()
    }
}

pin_project! {
    /// An answer that is being made.
    pub struct Keeping<F, K> {
        #[pin]
        response: F,
        // None once the body has it.
        kept: Option<K>,
    }
}

impl<F, K: Keep> Keeping<F, K> {
    pub(crate) const fn new(response: F, kept: K) -> Self {
        let kept = Some(kept);
        Self { response, kept }
    }
}

impl<F, K, B, E> Future for Keeping<F, K>
where
    F: Future<Output = Result<Response<B>, E>>,
    K: Keep,
{
    type Output = Result<Response<Kept<B, K>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = ready!(around(this.kept, || this.response.poll(cx)));
        let kept = this.kept.take();
        Poll::Ready(response.map(|response| response.map(|body| Kept { body, kept })))
    }
}

pin_project! {
    /// A body that keeps something until it is dropped.
    pub struct Kept<B, K> {
        #[pin]
        body: B,
        // None of a refusal.
        kept: Option<K>,
    }
}

fn around<K: Keep, R>(kept: &Option<K>, step: impl FnOnce() -> R) -> R {
    match kept {
        Some(kept) => kept.around(step),
        None => step(),
    }
}

impl<B: Body, K: Keep> Body for Kept<B, K> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let this = self.project();
        around(this.kept, || this.body.poll_frame(cx))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<B: RefusalBody, K: Keep> RefusalBody for Kept<B, K> {
    fn refusal(code: ErrorCode, trace: Option<&TraceContext>) -> Response<Self> {
        B::refusal(code, trace).map(|body| Self { body, kept: None })
    }

    fn challenged(refusal: Response<Self>, challenge: HeaderValue) -> Response<Self> {
        let (parts, Self { body, kept }) = refusal.into_parts();
        let challenged = B::challenged(Response::from_parts(parts, body), challenge);
        challenged.map(|body| Self { body, kept })
    }

    fn retry_after(headers: &mut HeaderMap, refused: Refused) {
        B::retry_after(headers, refused);
    }

    fn trailers(code: ErrorCode) -> Option<HeaderMap> {
        B::trailers(code)
    }
}
