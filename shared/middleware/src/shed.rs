//! How many requests this process has under way: more are refused at once. Nothing is queued, because
//! a queue only adds to the time after which its callers give up.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, ready},
};

use futures_util::future::{Either, Ready};
use http::{HeaderMap, Request, Response};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use strata_core::{ErrorCode, TraceContext};
use strata_limits::Refused;
use strata_telemetry::RequestMetrics;
use tower::{Layer, Service};

use crate::refuse::RefusalBody;

/// Refuses with UNAVAILABLE what comes while `most` requests are under way. A request is, from its
/// head to the last byte of its answer.
#[derive(Clone)]
pub struct ShedLayer {
    places: Arc<Places>,
    requests: RequestMetrics,
}

impl ShedLayer {
    /// Room for `most` requests; what is refused counts in `requests`.
    #[must_use]
    pub fn new(most: usize, requests: RequestMetrics) -> Self {
        let taken = AtomicUsize::new(0);
        Self {
            places: Arc::new(Places { most, taken }),
            requests,
        }
    }
}

impl<S> Layer<S> for ShedLayer {
    type Service = Shed<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Shed {
            layer: self.clone(),
            inner,
        }
    }
}

struct Places {
    most: usize,
    taken: AtomicUsize,
}

/// A request's, until dropped.
struct Place(Arc<Places>);

impl Places {
    fn take(self: &Arc<Self>) -> Option<Place> {
        // Dropped at once when it is one too many, which gives it back.
        let place = Place(Arc::clone(self));
        (self.taken.fetch_add(1, Ordering::Relaxed) < self.most).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Ordering::Relaxed);
    }
}

/// See [`ShedLayer`].
#[derive(Clone)]
pub struct Shed<S> {
    layer: ShedLayer,
    inner: S,
}

impl<S, B, R> Service<Request<B>> for Shed<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    R: RefusalBody,
{
    type Response = Response<Held<R>>;
    type Error = S::Error;
    type Future = Either<Serving<S::Future>, Ready<Result<Self::Response, S::Error>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        if let Some(place) = self.layer.places.take() {
            return Either::Left(Serving {
                response: self.inner.call(request),
                place: Some(place),
            });
        }
        self.layer.requests.shed();
        let trace = request.extensions().get();
        Either::Right(futures_util::future::ready(Ok(Held::refusal(
            ErrorCode::Unavailable,
            trace,
        ))))
    }
}

pin_project! {
    /// An answer on its way.
    pub struct Serving<F> {
        #[pin]
        response: F,
        place: Option<Place>,
    }
}

impl<F, B, E> Future for Serving<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<Held<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = ready!(this.response.poll(cx))?;
        let place = this.place.take();
        Poll::Ready(Ok(response.map(|body| Held { body, place })))
    }
}

pin_project! {
    /// A body whose request counts until the body is dropped.
    pub struct Held<B> {
        #[pin]
        body: B,
        place: Option<Place>,
    }
}

impl<B: Body> Body for Held<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        self.project().body.poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<B: RefusalBody> RefusalBody for Held<B> {
    fn refusal(code: ErrorCode, trace: Option<&TraceContext>) -> Response<Self> {
        B::refusal(code, trace).map(|body| Held { body, place: None })
    }

    fn retry_after(headers: &mut HeaderMap, refused: Refused) {
        B::retry_after(headers, refused);
    }

    fn trailers(code: ErrorCode) -> Option<HeaderMap> {
        B::trailers(code)
    }
}
