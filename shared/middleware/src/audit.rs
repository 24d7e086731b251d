//! What a request came to, in the audit trail: before its answer goes out where that must not be lost, and
//! soon after otherwise. Without a place in the trail no handler runs.

mod answer;
mod entry;

use std::{
    convert::Infallible,
    task::{Context, Poll},
};

use futures_util::future::{Either, Ready, ready};
use http::{Request, Response};
use http_body::Body;
use strata_audit::Trail;
use strata_core::ErrorCode;
use strata_telemetry::{Events, SecurityEvent};
use tower::{Layer, Service};

pub use self::answer::{Answering, Audited};
use self::entry::Entry;
use crate::refuse::{RefusalBody, Refuse};

/// Records each request that reaches it: once, with what its answer held, as [`strata_release`] knows it
/// of the layer around this one; once more where a stream comes to hold more. What was refused further out
/// is recorded as an event. The answer of a method that is `durable`, and one that holds what is
/// RESTRICTED, waits for the disk.
#[derive(Clone)]
pub struct AuditLayer {
    trail: Trail,
    events: Events,
}

impl AuditLayer {
    /// A layer that records in `trail`, and tells `events` where it cannot.
    #[must_use]
    pub const fn new(trail: Trail, events: Events) -> Self {
        Self { trail, events }
    }
}

impl<S> Layer<S> for AuditLayer {
    type Service = Audit<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Audit {
            layer: self.clone(),
            inner,
        }
    }
}

/// See [`AuditLayer`].
#[derive(Clone)]
pub struct Audit<S> {
    layer: AuditLayer,
    inner: S,
}

type Answered<R> = Result<Response<Audited<R>>, Infallible>;

impl<S, B, R> Service<Request<B>> for Audit<S>
where
    S: Service<Request<B>, Response = Response<R>, Error = Infallible>,
    R: Body + RefusalBody + Unpin,
{
    type Response = Response<Audited<R>>;
    type Error = Infallible;
    type Future = Either<Answering<S::Future, R>, Ready<Answered<R>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let refuse =
            |code| Either::Right(ready(Ok(Refuse::refuse(code, request.extensions().get()))));
        let place = match self.layer.trail.reserve() {
            Ok(place) => place,
            Err(failed) => {
                self.layer.events.emit(&SecurityEvent::AuditFailed {
                    reason: failed.reason(),
                });
                return refuse(ErrorCode::Unavailable);
            }
        };
        // A layer is missing: a defect, and never an open door.
        let Some(entry) = Entry::of(request.extensions(), place, &self.layer) else {
            return refuse(ErrorCode::Internal);
        };
        Either::Left(Answering::new(self.inner.call(request), entry))
    }
}
