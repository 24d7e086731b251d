//! Each layer by itself: the honest request is answered, the one it exists to refuse is not.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use http::{Request, Response};
use strata_core::{
    Authentication, Caller, Clearance, ErrorCode, Label, Method, Principal, TraceContext,
};
use strata_middleware::{
    CallLayer, DeadlineLayer, PanicLayer, ScopeLayer, StripLayer, deadline::Deadline,
};
use strata_telemetry::Events;
use tonic::body::Body;
use tower::{Layer, Service, ServiceExt, service_fn};

const METHOD: Method = Method {
    name: "Get",
    path: "/a.v1.AService/Get",
    scope: "a:read b:read",
    purpose: "service",
    idempotent: true,
    ceiling: Label::new(strata_core::Sensitivity::Public, &[]),
    durable: false,
};

const TRACE: TraceContext = TraceContext {
    trace_id: 1,
    span_id: 2,
    sampled: false,
};

fn user(scopes: &str) -> Principal {
    Principal {
        subject: "cus_000001".to_owned(),
        roles: Vec::new(),
        scopes: scopes.split(' ').map(str::to_owned).collect(),
        region: None,
        tenant: None,
        clearance: Clearance::default(),
        authentication: Authentication::default(),
    }
}

fn events() -> Events {
    Events::new(&opentelemetry::global::meter("test"))
}

/// Sends `request` through `layer`; the code it is answered with (0 is OK) and how many requests
/// reached the handler.
async fn through<L>(layer: L, request: Request<()>) -> (i32, usize)
where
    L: Layer<Handler>,
    L::Service: Service<Request<()>, Response = Response<Body>, Error = Infallible>,
{
    let reached = Arc::new(AtomicUsize::new(0));
    let handler = Handler(Arc::clone(&reached));
    let response = layer.layer(handler).oneshot(request).await.unwrap();
    let status = response.headers().get("grpc-status");
    let code = status.map_or(0, |value| value.to_str().unwrap().parse().unwrap());
    (code, reached.load(Ordering::SeqCst))
}

/// Counts what reaches it.
#[derive(Clone)]
struct Handler(Arc<AtomicUsize>);

impl Service<Request<()>> for Handler {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(
        &mut self,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), Infallible>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        self.0.fetch_add(1, Ordering::SeqCst);
        std::future::ready(Ok(Response::new(Body::empty())))
    }
}

#[tokio::test]
async fn a_method_with_a_scope_needs_a_user_who_has_it() {
    let request = |principal: Option<Principal>| {
        let mut request = Request::new(());
        request.extensions_mut().insert(METHOD);
        if let Some(principal) = principal {
            request.extensions_mut().insert(Arc::new(principal));
        }
        request
    };
    let send = |principal| through(ScopeLayer::new(events()), request(principal));
    assert_eq!(send(Some(user("a:read b:read"))).await, (0, 1));
    assert_eq!(
        send(Some(user("a:read b:write"))).await,
        (ErrorCode::PermissionDenied.grpc(), 0)
    );
    assert_eq!(send(None).await, (ErrorCode::Unauthenticated.grpc(), 0));
    let unmatched = through(ScopeLayer::new(events()), Request::new(())).await;
    assert_eq!(unmatched, (ErrorCode::Internal.grpc(), 0));
}

#[tokio::test]
async fn a_method_for_no_user_needs_none() {
    let mut request = Request::new(());
    request.extensions_mut().insert(Method {
        scope: "",
        ..METHOD
    });
    assert_eq!(through(ScopeLayer::new(events()), request).await, (0, 1));
}

#[tokio::test]
async fn no_handler_runs_without_its_whole_call() {
    let whole = || {
        let mut request = Request::new(());
        request.extensions_mut().insert(Caller::Edge);
        request.extensions_mut().insert(Deadline(Instant::now()));
        request.extensions_mut().insert(TRACE);
        request
    };
    assert_eq!(through(CallLayer, whole()).await, (0, 1));
    let internal = (ErrorCode::Internal.grpc(), 0);
    let without = |remove: fn(&mut http::Extensions)| {
        let mut request = whole();
        remove(request.extensions_mut());
        through(CallLayer, request)
    };
    assert_eq!(
        without(|parts| {
            parts.remove::<Caller>();
        })
        .await,
        internal
    );
    assert_eq!(
        without(|parts| {
            parts.remove::<Deadline>();
        })
        .await,
        internal
    );
    assert_eq!(
        without(|parts| {
            parts.remove::<TraceContext>();
        })
        .await,
        internal
    );
}

#[tokio::test]
async fn nobody_outside_speaks_as_one_of_us() {
    let mut request = Request::new(());
    for (name, value) in [
        ("txn-token", "x"),
        ("strata-scopes", "a:read"),
        ("strata-anything", "x"),
        ("grpc-timeout", "1S"),
        ("accept", "*/*"),
    ] {
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    let seen = StripLayer
        .layer(service_fn(|request: Request<()>| async move {
            Ok::<_, Infallible>(request)
        }))
        .oneshot(request)
        .await
        .unwrap();
    let names: Vec<_> = seen
        .headers()
        .keys()
        .map(http::HeaderName::as_str)
        .collect();
    assert_eq!(names, ["accept"]);
    assert_eq!(seen.extensions().get::<Caller>(), Some(&Caller::Edge));
}

#[tokio::test]
async fn a_panic_answers_internal_and_says_nothing() {
    async fn handler(_: Request<()>) -> Result<Response<Body>, Infallible> {
        panic!("secret text");
    }
    let response = PanicLayer
        .layer(service_fn(handler))
        .oneshot(Request::new(()))
        .await
        .unwrap();
    assert_eq!(response.headers()["grpc-status"], "13");
    assert!(!format!("{:?}", response.headers()).contains("secret"));
}

#[tokio::test]
async fn a_request_ends_at_the_sooner_deadline() {
    async fn endless(_: Request<()>) -> Result<Response<Body>, Infallible> {
        std::future::pending().await
    }
    let long = Duration::from_secs(3600);
    let send = |longest, timeout: Option<&'static str>| {
        let mut request = Request::new(());
        if let Some(timeout) = timeout {
            request
                .headers_mut()
                .insert("grpc-timeout", timeout.parse().unwrap());
        }
        DeadlineLayer::new(longest)
            .layer(service_fn(endless))
            .oneshot(request)
    };
    let overdue = ErrorCode::DeadlineExceeded.grpc().to_string();
    let by_caller = send(long, Some("20m")).await.unwrap();
    assert_eq!(by_caller.headers()["grpc-status"], overdue.as_str());
    let by_service = send(Duration::from_millis(20), Some("1H")).await.unwrap();
    assert_eq!(by_service.headers()["grpc-status"], overdue.as_str());
    assert_eq!(
        through(DeadlineLayer::new(long), Request::new(())).await,
        (0, 1)
    );
}
