//! Real HTTP/2 on both sides: what counts is what hyper and h2 say of a connection that is left.

use std::{
    convert::Infallible,
    sync::atomic::{AtomicUsize, Ordering},
};

use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{DuplexStream, duplex};
use tower::service_fn;

use super::*;

/// What a callee does with the first request of a connection.
#[derive(Clone, Copy)]
enum Callee {
    Answers,
    RefusesTheStream,
    LosesTheConnection,
    FailsTheStream,
}

async fn serve(io: DuplexStream, callee: Callee) {
    let mut connection = h2::server::handshake(io).await.unwrap();
    let (request, mut respond) = connection.accept().await.unwrap().unwrap();
    match callee {
        Callee::Answers => {
            tokio::spawn(async move {
                let mut body = request.into_body();
                let mut echo = respond.send_response(Response::new(()), false).unwrap();
                while let Some(data) = body.data().await {
                    let data = data.unwrap();
                    let _ = body.flow_control().release_capacity(data.len());
                    echo.send_data(data, false).unwrap();
                }
                echo.send_data(Bytes::new(), true).unwrap();
            });
        }
        Callee::RefusesTheStream => respond.send_reset(Reason::REFUSED_STREAM),
        Callee::FailsTheStream => respond.send_reset(Reason::INTERNAL_ERROR),
        Callee::LosesTheConnection => return,
    }
    while connection.accept().await.is_some() {}
}

/// Sends one request to callees that behave like this, one connection each, and says how many it
/// took.
async fn send(callees: &'static [Callee], body: Body) -> (Result<Bytes, hyper::Error>, usize) {
    let tried = Arc::new(AtomicUsize::new(0));
    let count = tried.clone();
    let connect = service_fn(move |request: Request<Body>| {
        let callee = callees[count.fetch_add(1, Ordering::SeqCst)];
        async move {
            let (client, server) = duplex(64 * 1024);
            tokio::spawn(serve(server, callee));
            let (mut sender, connection) =
                http2::handshake(TokioExecutor::new(), TokioIo::new(client)).await?;
            tokio::spawn(connection);
            Ok(sender.send_request(request).await?.map(Body::new))
        }
    });
    let request = Request::post("http://callee/").body(body).unwrap();
    let answer = ResendLayer.layer(connect).oneshot(request).await;
    let answer = match answer {
        Ok(answer) => Ok(answer.into_body().collect().await.unwrap().to_bytes()),
        Err(error) => Err(error),
    };
    (answer, tried.load(Ordering::SeqCst))
}

fn short() -> Body {
    let frames = ["one ", "two"].map(|text| Ok::<_, Infallible>(Frame::data(Bytes::from(text))));
    Body::new(StreamBody::new(futures_util::stream::iter(frames)))
}

#[tokio::test]
async fn what_was_not_processed_is_sent_again_from_its_beginning() {
    let (answer, tried) = send(&[Callee::Answers], short()).await;
    assert_eq!((&*answer.unwrap(), tried), (&b"one two"[..], 1));
    let callees = &[
        Callee::RefusesTheStream,
        Callee::RefusesTheStream,
        Callee::Answers,
    ];
    let (answer, tried) = send(callees, short()).await;
    assert_eq!((&*answer.unwrap(), tried), (&b"one two"[..], 3));
}

#[tokio::test]
async fn what_may_have_been_processed_is_not() {
    for callee in [&[Callee::LosesTheConnection][..], &[Callee::FailsTheStream]] {
        let (answer, tried) = send(callee, short()).await;
        assert!(answer.is_err());
        assert_eq!(tried, 1);
    }
}

#[tokio::test]
async fn a_long_request_is_not_kept() {
    let long = || Body::new(Full::new(Bytes::from(vec![0; KEPT_BYTES + 1])));
    let (answer, _) = send(&[Callee::Answers], long()).await;
    assert_eq!(answer.unwrap().len(), KEPT_BYTES + 1);
}

#[tokio::test]
async fn a_callee_that_refuses_for_ever_is_left_alone() {
    let (answer, tried) = send(&[Callee::RefusesTheStream; RESENDS + 1], short()).await;
    assert!(answer.is_err());
    assert_eq!(tried, RESENDS + 1);
}
