//! The layers that stay with an answer until its last byte.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    convert::Infallible,
    pin::Pin,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::{Request, Response};
use http_body::{Body, Frame};
use http_body_util::{BodyExt as _, StreamBody};
use strata_core::ErrorCode;
use strata_middleware::{BodyDeadlineLayer, ShedLayer, deadline::Deadline};
use strata_telemetry::RequestMetrics;
use tower::{Layer, Service, ServiceExt as _, service_fn};

const SOON: Duration = Duration::from_millis(50);

/// A message at once, and never another.
fn begun() -> impl Body<Data = Bytes, Error = Infallible> + Send + 'static {
    let first = stream::iter([Ok(Frame::data(Bytes::from_static(b"one")))]);
    StreamBody::new(first.chain(stream::pending()))
}

/// Messages for ever, each at once.
fn endless() -> impl Body<Data = Bytes, Error = Infallible> + Send + 'static {
    let one = || Ok(Frame::data(Bytes::from_static(b"one")));
    StreamBody::new(stream::repeat_with(one))
}

/// The body that is answered with `body` to a request that has a while.
async fn timed<B, T>(body: B) -> Pin<Box<T>>
where
    B: Send + 'static,
    BodyDeadlineLayer: Layer<Answering<B>>,
    <BodyDeadlineLayer as Layer<Answering<B>>>::Service:
        Service<Request<()>, Response = Response<T>, Error = Infallible>,
{
    let mut request = Request::new(());
    let deadline = Instant::now() + SOON;
    request.extensions_mut().insert(Deadline(deadline));
    let service = BodyDeadlineLayer.layer(Answering(Some(body)));
    Box::pin(service.oneshot(request).await.unwrap().into_body())
}

/// Answers once.
struct Answering<B>(Option<B>);

impl<B> Service<Request<()>> for Answering<B> {
    type Response = Response<B>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Response<B>, Infallible>>;

    fn poll_ready(
        &mut self,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), Infallible>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        std::future::ready(Ok(Response::new(self.0.take().unwrap())))
    }
}

#[tokio::test]
async fn a_late_stream_says_so_in_its_trailers() {
    for body in [
        tonic::body::Body::new(begun()),
        tonic::body::Body::new(endless()),
    ] {
        let mut body = timed(body).await;
        let first = body.frame().await.unwrap().unwrap();
        assert_eq!(first.into_data().unwrap(), "one");
        let begun = Instant::now();
        let trailers = loop {
            assert!(begun.elapsed() < Duration::from_secs(30), "no end");
            if let Ok(trailers) = body.frame().await.unwrap().unwrap().into_trailers() {
                break trailers;
            }
        };
        let code = ErrorCode::DeadlineExceeded.grpc().to_string();
        assert_eq!(trailers["grpc-status"], code.as_str());
        assert!(body.is_end_stream());
        assert!(body.frame().await.is_none());
    }
}

#[tokio::test]
async fn a_late_stream_without_trailers_is_broken_off() {
    let mut body = timed(axum::body::Body::new(begun())).await;
    assert!(body.frame().await.unwrap().is_ok());
    assert!(body.frame().await.unwrap().is_err());
    assert!(body.frame().await.is_none());
}

#[tokio::test]
async fn a_whole_answer_is_never_late() {
    let body = timed(axum::body::Body::from("whole")).await;
    tokio::time::sleep(2 * SOON).await;
    assert_eq!(body.collect().await.unwrap().to_bytes(), "whole");
}

#[tokio::test]
async fn a_place_is_held_from_the_head_to_the_end_of_the_body() {
    let requests = RequestMetrics::new(&opentelemetry::global::meter("test"));
    let service = ShedLayer::new(2, requests).layer(service_fn(|long: Request<bool>| async move {
        if *long.body() {
            std::future::pending::<()>().await;
        }
        Ok::<_, Infallible>(Response::new(axum::body::Body::new(begun())))
    }));
    let ask = |long| service.clone().oneshot(Request::new(long));
    let status = async || ask(false).await.unwrap().status().as_u16();

    let answered = ask(false).await.unwrap();
    let mut waiting = Box::pin(ask(true));
    assert!(futures_util::poll!(waiting.as_mut()).is_pending());
    let refused = ask(false).await.unwrap();
    assert_eq!(refused.status(), 503);
    assert_eq!(refused.headers()["retry-after"], "1");
    assert_eq!(status().await, 503);

    let mut body = answered.into_body();
    assert!(body.frame().await.unwrap().is_ok());
    assert_eq!(status().await, 503);
    drop(body);
    assert_eq!(status().await, 200);
    // Nobody waits for its answer any more.
    let second = ask(false).await.unwrap();
    assert_eq!(status().await, 503);
    drop(waiting);
    assert_eq!(status().await, 200);
    drop(second);
}
