//! Which calls are sent again. Real HTTP/2 on both sides: what counts is what h2 says of a
//! connection that fails, or is left.

#![cfg(test)]

use std::{
    convert::Infallible,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::Poll,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::{StreamExt as _, future::BoxFuture, stream};
use h2::{Reason, RecvStream};
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{Full, StreamBody};
use opentelemetry::global;
use strata_core::{Label, Method, Sensitivity};
use strata_middleware::{RetryLayer, retry::Retry};
use strata_net::{CallError, Outgoing, Payload};
use strata_telemetry::UpstreamMetrics;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tonic::body::Body;
use tower::{Layer as _, Service as _, ServiceExt as _};

const READ: &str = "/a.v1.AService/Read";
const WRITE: &str = "/a.v1.AService/Write";

const METHODS: &[Method] = &[method("Read", READ, true), method("Write", WRITE, false)];

const fn method(name: &'static str, path: &'static str, idempotent: bool) -> Method {
    Method {
        name,
        path,
        scope: "",
        purpose: "",
        idempotent,
        ceiling: Label::new(Sensitivity::Public, &[]),
        durable: false,
    }
}

/// What a callee does with the first request of a connection.
#[derive(Clone, Copy)]
enum Callee {
    Answers,
    AnswersUnavailable,
    RefusesTheStream,
    LeavesBefore,
    LosesTheConnection,
    FailsTheStream,
}

async fn serve(mut io: DuplexStream, callee: Callee) {
    if let Callee::LeavesBefore = callee {
        // Once there is a request: SETTINGS, and GOAWAY that takes no stream at all.
        io.read_exact(&mut [0; 24]).await.unwrap();
        io.write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0]).await.unwrap();
        io.write_all(&[0, 0, 8, 7, 0, 0, 0, 0, 0]).await.unwrap();
        io.write_all(&[0; 8]).await.unwrap();
        let _ = io.read_to_end(&mut Vec::new()).await;
        return;
    }
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
        Callee::AnswersUnavailable => {
            let head = Response::builder().header("grpc-status", "14");
            let head = head.body(()).unwrap();
            respond.send_response(head, true).unwrap();
        }
        Callee::RefusesTheStream => respond.send_reset(Reason::REFUSED_STREAM),
        Callee::FailsTheStream => respond.send_reset(Reason::INTERNAL_ERROR),
        Callee::LosesTheConnection | Callee::LeavesBefore => return,
    }
    while connection.accept().await.is_some() {}
}

type Answer = Result<Response<RecvStream>, CallError>;
/// A connection for each call.
#[derive(Clone)]
struct Caller {
    callees: &'static [Callee],
    sent: Arc<AtomicUsize>,
}

impl Caller {
    async fn send(outgoing: Outgoing, callee: Callee, address: SocketAddr) -> Answer {
        let failed = |error| CallError::of(address, error);
        let (client, server) = duplex(64 * 1024);
        tokio::spawn(serve(server, callee));
        let (mut sender, connection) = h2::client::handshake(client).await.map_err(failed)?;
        tokio::spawn(connection);
        let mut request = Request::post(format!("http://callee{}", outgoing.path));
        *request.headers_mut().unwrap() = outgoing.headers;
        let request = request.body(()).unwrap();
        let (response, mut stream) = sender.send_request(request, false).map_err(failed)?;
        let (Payload::Whole(body) | Payload::Streamed(body, _)) = outgoing.body;
        stream.send_data(body, true).map_err(failed)?;
        response.await.map_err(failed)
    }
}

impl tower::Service<Outgoing> for Caller {
    type Response = Response<RecvStream>;
    type Error = CallError;
    type Future = BoxFuture<'static, Answer>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> Poll<Result<(), CallError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, outgoing: Outgoing) -> Self::Future {
        let sent = self.sent.fetch_add(1, Ordering::SeqCst);
        let callee = self.callees[sent.min(self.callees.len() - 1)];
        let port = u16::try_from(sent % 1000).unwrap();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        if let Some(before) = port.checked_sub(1).filter(|_| outgoing.avoid.is_some()) {
            assert_eq!(outgoing.avoid.unwrap().port(), before);
        }
        Box::pin(Self::send(outgoing, callee, address))
    }
}

/// Sends to callees that behave like this, one connection each and the last for ever; counts them.
fn caller(callees: &'static [Callee]) -> (Retry<Caller>, Arc<AtomicUsize>) {
    let sent = Arc::new(AtomicUsize::new(0));
    let caller = Caller {
        callees,
        sent: Arc::clone(&sent),
    };
    let metrics = UpstreamMetrics::new(&global::meter("test"), "callee");
    (RetryLayer::new(METHODS, metrics).layer(caller), sent)
}

fn outgoing(path: &str, body: Body) -> Outgoing {
    let request = Request::post(path).body(body).unwrap();
    Outgoing::new(request, Instant::now() + Duration::from_secs(60)).unwrap()
}

/// Sends one request; what it is answered with and how often it was sent.
async fn send(callees: &'static [Callee], path: &str, body: Body) -> (Answer, usize) {
    let (caller, sent) = caller(callees);
    let answer = caller.oneshot(outgoing(path, body)).await;
    (answer, sent.load(Ordering::SeqCst))
}

async fn text(answer: Answer) -> Vec<u8> {
    let mut body = answer.unwrap().into_body();
    let mut text = Vec::new();
    while let Some(data) = body.data().await {
        text.extend(data.unwrap());
    }
    text
}

fn short() -> Body {
    let frames = ["one ", "two"].map(|text| Ok::<_, Infallible>(Frame::data(Bytes::from(text))));
    Body::new(StreamBody::new(stream::iter(frames)))
}

#[tokio::test]
async fn what_was_not_processed_is_sent_again_from_its_beginning() {
    let (answer, sent) = send(&[Callee::Answers], WRITE, short()).await;
    assert_eq!((&*text(answer).await, sent), (&b"one two"[..], 1));
    for callees in [
        &[
            Callee::RefusesTheStream,
            Callee::RefusesTheStream,
            Callee::Answers,
        ],
        &[Callee::LeavesBefore, Callee::LeavesBefore, Callee::Answers],
    ] {
        let (answer, sent) = send(callees, WRITE, short()).await;
        assert_eq!((&*text(answer).await, sent), (&b"one two"[..], 3));
    }
}

#[tokio::test]
async fn what_may_have_been_processed_is_sent_again_only_where_it_may_be_repeated() {
    for callees in [
        &[Callee::LosesTheConnection, Callee::Answers],
        &[Callee::FailsTheStream, Callee::Answers],
    ] {
        let (answer, sent) = send(callees, READ, short()).await;
        assert_eq!((&*text(answer).await, sent), (&b"one two"[..], 2));
        for path in [WRITE, "/a.v1.AService/Unknown"] {
            let (answer, sent) = send(callees, path, short()).await;
            assert!(answer.is_err(), "{path}");
            assert_eq!(sent, 1, "{path}");
        }
    }
}

#[tokio::test]
async fn what_the_callee_answers_is_an_answer() {
    let (answer, sent) = send(&[Callee::AnswersUnavailable], READ, short()).await;
    assert_eq!(answer.unwrap().headers()["grpc-status"], "14");
    assert_eq!(sent, 1);
}

#[tokio::test]
async fn a_request_that_is_not_whole_is_sent_once() {
    let callees = &[Callee::RefusesTheStream, Callee::Answers];
    let (answer, sent) = send(callees, READ, short()).await;
    assert_eq!((&*text(answer).await, sent), (&b"one two"[..], 2));
    let long = Body::new(Full::new(Bytes::from(vec![0; 64 * 1024 + 1])));
    let endless = Frame::data(Bytes::from_static(b"one"));
    let endless = stream::iter([Ok::<_, Infallible>(endless)]).chain(stream::pending());
    for body in [long, Body::new(StreamBody::new(endless))] {
        let (answer, sent) = send(callees, READ, body).await;
        assert!(answer.is_err());
        assert_eq!(sent, 1);
    }
}

#[tokio::test]
async fn a_callee_that_refuses_for_ever_is_left_alone() {
    for (callee, most) in [
        (&[Callee::RefusesTheStream], 6),
        (&[Callee::LeavesBefore], 6),
        (&[Callee::LosesTheConnection], 3),
    ] {
        let (answer, sent) = send(callee, READ, short()).await;
        assert!(answer.is_err());
        assert_eq!(sent, most);
    }
}

#[tokio::test]
async fn calls_to_a_callee_that_fails_them_all_are_hardly_more() {
    const CALLS: usize = 500;
    for callees in [&[Callee::LosesTheConnection], &[Callee::RefusesTheStream]] {
        let (mut caller, sent) = caller(callees);
        for _ in 0..CALLS {
            let outgoing = outgoing(READ, short());
            assert!(caller.ready().await.unwrap().call(outgoing).await.is_err());
        }
        let sent = sent.load(Ordering::SeqCst);
        assert!(sent > CALLS, "some are sent again");
        assert!(sent <= CALLS * 6 / 5 + 10, "{sent}");
    }
}

#[tokio::test]
async fn the_next_try_has_only_the_time_that_is_left() {
    let (caller, sent) = caller(&[Callee::LosesTheConnection]);
    let request = Request::post(READ).body(short()).unwrap();
    let outgoing = Outgoing::new(request, Instant::now()).unwrap();
    assert!(caller.oneshot(outgoing).await.is_err());
    assert_eq!(sent.load(Ordering::SeqCst), 1);
}
