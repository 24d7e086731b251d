//! How many requests this process has under way: more are refused at once. Nothing is queued, because
//! a queue only adds to the time after which its callers give up.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use futures_util::future::{Either, Ready};
use http::{Request, Response};
use strata_core::ErrorCode;
use strata_telemetry::RequestMetrics;
use tower::{Layer, Service};

use crate::{
    kept::{Keep, Keeping, Kept},
    refuse::RefusalBody,
};

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
pub struct Place(Arc<Places>);

impl Keep for Place {}

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
    type Response = Response<Kept<R, Place>>;
    type Error = S::Error;
    type Future = Either<Keeping<S::Future, Place>, Ready<Result<Self::Response, S::Error>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        if let Some(place) = self.layer.places.take() {
            return Either::Left(Keeping::new(self.inner.call(request), place));
        }
        self.layer.requests.shed();
        let trace = request.extensions().get();
        Either::Right(futures_util::future::ready(Ok(Kept::refusal(
            ErrorCode::Unavailable,
            trace,
        ))))
    }
}
