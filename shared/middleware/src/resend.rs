//! Sends a call again that its callee provably did not process: a connection that is being left
//! (GOAWAY) takes no new call, and tonic's channel fails those that come too late
//! (<https://github.com/grpc/grpc-rust/issues/2185>). Safe for every method, idempotent or not.

use std::{
    error::Error,
    iter::successors,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use h2::Reason;
use http::{Request, Response};
use http_body::Frame;
use tonic::{Status, body::Body};
use tower::{Layer, Service, ServiceExt as _};

/// How often one call is sent again. Each time the connection is another one.
const RESENDS: usize = 5;

/// A request longer than this is not kept, and so not sent again.
const KEPT_BYTES: usize = 64 * 1024;

/// Sends unprocessed calls again.
#[derive(Clone, Copy, Debug)]
pub struct ResendLayer;

impl<S> Layer<S> for ResendLayer {
    type Service = Resend<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Resend { inner }
    }
}

/// See [`ResendLayer`].
#[derive(Clone, Debug)]
pub struct Resend<S> {
    inner: S,
}

impl<S> Service<Request<Body>> for Resend<S>
where
    S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + 'static,
    S::Error: Error + Send + 'static,
    S::Future: Send,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let (head, body) = request.into_parts();
        let kept = Arc::new(Mutex::new(Kept::new(body)));
        let first = Body::new(Replay::of(&kept));
        let answer = self.inner.call(Request::from_parts(head.clone(), first));
        let mut inner = self.inner.clone();
        Box::pin(async move {
            let mut answer = answer.await;
            for _ in 0..RESENDS {
                let unprocessed = answer.as_ref().is_err_and(|error| is_unprocessed(error));
                if !unprocessed || lock(&kept).is_lost {
                    break;
                }
                let again = Body::new(Replay::of(&kept));
                let again = Request::from_parts(head.clone(), again);
                answer = inner.ready().await?.call(again).await;
            }
            answer
        })
    }
}

/// Whether nobody acted on the request: it was never sent, its stream was refused (RFC 9113,
/// section 8.7), or it came after the last one a connection takes (section 6.8).
fn is_unprocessed(error: &(dyn Error + 'static)) -> bool {
    successors(Some(error), |&error| error.source()).any(|cause| {
        if let Some(error) = cause.downcast_ref::<h2::Error>() {
            return error.is_remote()
                && match error.reason() {
                    Some(Reason::NO_ERROR) => error.is_go_away(),
                    Some(Reason::REFUSED_STREAM) => error.is_reset(),
                    _ => false,
                };
        }
        cause
            .downcast_ref::<hyper::Error>()
            .is_some_and(hyper::Error::is_canceled)
    })
}

/// A body and what was read of it.
struct Kept {
    read: Vec<Bytes>,
    bytes: usize,
    rest: Body,
    is_lost: bool,
}

impl Kept {
    const fn new(rest: Body) -> Self {
        Self {
            read: Vec::new(),
            bytes: 0,
            rest,
            is_lost: false,
        }
    }

    fn keep(&mut self, data: &Bytes) {
        self.bytes += data.len();
        self.is_lost |= self.bytes > KEPT_BYTES;
        if self.is_lost {
            self.read.clear();
        } else {
            self.read.push(data.clone());
        }
    }
}

fn lock(kept: &Mutex<Kept>) -> std::sync::MutexGuard<'_, Kept> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The body from its beginning.
struct Replay {
    kept: Arc<Mutex<Kept>>,
    next: usize,
}

impl Replay {
    fn of(kept: &Arc<Mutex<Kept>>) -> Self {
        Self {
            kept: Arc::clone(kept),
            next: 0,
        }
    }
}

impl http_body::Body for Replay {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let shared = Arc::clone(&self.kept);
        let mut kept = lock(&shared);
        if let Some(data) = kept.read.get(self.next) {
            self.next += 1;
            return Poll::Ready(Some(Ok(Frame::data(data.clone()))));
        }
        let frame = ready!(Pin::new(&mut kept.rest).poll_frame(cx));
        if let Some(Ok(frame)) = &frame
            && let Some(data) = frame.data_ref()
        {
            kept.keep(data);
            self.next = kept.read.len();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        let kept = lock(&self.kept);
        self.next >= kept.read.len() && kept.rest.is_end_stream()
    }
}

#[cfg(test)]
mod tests;
