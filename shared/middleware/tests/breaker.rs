//! When calls to an upstream are refused, and when they are sent again.

#![cfg(test)]

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use futures_util::future::BoxFuture;
use http::{Request, Response};
use opentelemetry::global;
use strata_middleware::{
    BreakerLayer,
    breaker::{Break, BreakerError},
};
use strata_net::{CallError, Outgoing};
use strata_telemetry::UpstreamMetrics;
use tokio::time::{sleep, timeout};
use tonic::body::Body;
use tower::{Layer as _, Service};

/// What a callee does now.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
enum Does {
    Answers,
    RefusesBusiness,
    IsUnavailable,
    LosesCalls,
    Hangs,
    CannotBeReached,
}

const ALL: [Does; 6] = [
    Does::Answers,
    Does::RefusesBusiness,
    Does::IsUnavailable,
    Does::LosesCalls,
    Does::Hangs,
    Does::CannotBeReached,
];

#[derive(Clone, Default)]
struct Callee {
    does: Arc<AtomicUsize>,
    calls: Arc<AtomicUsize>,
}

impl Callee {
    fn now(&self, does: Does) {
        self.does.store(does as usize, Ordering::SeqCst);
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

impl Service<Outgoing> for Callee {
    type Response = Response<Body>;
    type Error = CallError;
    type Future = BoxFuture<'static, Result<Response<Body>, CallError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), CallError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Outgoing) -> Self::Future {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let does = ALL[self.does.load(Ordering::SeqCst)];
        let status = |code: &str| {
            let head = Response::builder().header("grpc-status", code);
            Ok(head.body(Body::empty()).unwrap())
        };
        Box::pin(async move {
            match does {
                Does::Answers => Ok(Response::new(Body::empty())),
                Does::RefusesBusiness => status("7"),
                Does::IsUnavailable => status("14"),
                Does::LosesCalls => Err(CallError::Lost {
                    address: ([127, 0, 0, 1], 1).into(),
                    source: h2::Reason::INTERNAL_ERROR.into(),
                }),
                Does::Hangs => pending().await,
                Does::CannotBeReached => Err(CallError::Unreachable),
            }
        })
    }
}

fn world() -> (Break<Callee>, Callee) {
    let callee = Callee::default();
    let metrics = UpstreamMetrics::new(&global::meter("test"), "callee");
    let layer = BreakerLayer::new("callee", metrics);
    (layer.layer(callee.clone()), callee)
}

/// One call of a few milliseconds; whether it was sent, and answered.
async fn call(breaker: &Break<Callee>) -> (bool, bool) {
    let time = Duration::from_millis(2);
    let request = Request::post("/").body(Body::empty()).unwrap();
    let outgoing = Outgoing::new(request, Instant::now() + time).unwrap();
    match timeout(time, breaker.clone().call(outgoing)).await {
        Ok(Err(BreakerError::Open)) => (false, false),
        Ok(answer) => (true, answer.is_ok()),
        Err(_) => (true, false),
    }
}

#[tokio::test]
async fn failures_open_it_and_an_answer_closes_it() {
    for does in [Does::LosesCalls, Does::Hangs] {
        let (breaker, callee) = world();
        for _ in 0..5 {
            assert_eq!(call(&breaker).await, (true, true));
        }
        callee.now(does);
        let mut sent = 0;
        while call(&breaker).await.0 {
            sent += 1;
            assert!(sent < 20, "it stays closed");
        }
        assert!(sent >= 5, "{sent}");
        // Open: hardly anything is sent, and that one at a time.
        let before = callee.calls();
        let until = Instant::now() + Duration::from_millis(1200);
        while Instant::now() < until {
            call(&breaker).await;
            sleep(Duration::from_millis(1)).await;
        }
        let probes = callee.calls() - before;
        assert!((1..=3).contains(&probes), "{probes}");
        callee.now(Does::Answers);
        let closed = async {
            while !call(&breaker).await.1 {
                sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(Duration::from_secs(10), closed).await.unwrap();
        for _ in 0..20 {
            assert_eq!(call(&breaker).await, (true, true));
        }
    }
}

#[tokio::test]
async fn what_is_no_failure_of_the_callee_leaves_it_closed() {
    for does in [
        Does::RefusesBusiness,
        Does::IsUnavailable,
        Does::CannotBeReached,
    ] {
        let (breaker, callee) = world();
        callee.now(does);
        for _ in 0..100 {
            assert!(call(&breaker).await.0);
        }
    }
}

#[tokio::test]
async fn a_few_failures_among_many_answers_leave_it_closed() {
    let (breaker, callee) = world();
    for turn in 0..200 {
        callee.now(if turn % 3 == 0 {
            Does::LosesCalls
        } else {
            Does::Answers
        });
        assert!(call(&breaker).await.0, "after {turn}");
    }
}

#[tokio::test]
async fn calls_nobody_waits_for_say_nothing() {
    let (breaker, callee) = world();
    callee.now(Does::Hangs);
    for _ in 0..100 {
        let request = Request::post("/").body(Body::empty()).unwrap();
        let deadline = Instant::now() + Duration::from_secs(60);
        let outgoing = Outgoing::new(request, deadline).unwrap();
        drop(breaker.clone().call(outgoing));
    }
    assert!(call(&breaker).await.0);
}
