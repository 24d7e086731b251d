//! Who takes too much is refused, told when to come back, and nobody else is.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{convert::Infallible, fs, net::SocketAddr, sync::Arc, time::Duration};

use http::{HeaderMap, Request, Response, StatusCode};
use strata_config::{Environment, Rate, trust_domain};
use strata_core::{Authentication, Caller, Clearance, Label, Method, Principal, Sensitivity};
use strata_middleware::{ConsumerLayer, LimitLayer, PlanLayer};
use strata_net::Peer;
use strata_policy::Consumers;
use strata_telemetry::Events;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;
use tower::{Layer, Service, ServiceExt as _, service_fn};

const TWO: Rate = Rate {
    requests: 2,
    per: Duration::from_secs(3600),
};

fn events() -> Events {
    Events::new(&opentelemetry::global::meter("test"))
}

/// The head of the answer to a request with these extensions.
async fn ask<B, S>(
    service: &S,
    extensions: impl FnOnce(&mut http::Extensions),
) -> (StatusCode, HeaderMap)
where
    S: Service<Request<()>, Response = Response<B>, Error = Infallible> + Clone,
{
    let mut request = Request::new(());
    extensions(request.extensions_mut());
    let (head, _) = service.clone().oneshot(request).await.unwrap().into_parts();
    (head.status, head.headers)
}

/// Answers with an empty body of the edge.
async fn http(_: Request<()>) -> Result<Response<axum::body::Body>, Infallible> {
    Ok(Response::new(axum::body::Body::empty()))
}

/// Answers with an empty body between services.
async fn grpc(_: Request<()>) -> Result<Response<tonic::body::Body>, Infallible> {
    Ok(Response::new(tonic::body::Body::empty()))
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers
        .get(name)
        .map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn a_network_is_limited_as_one_and_others_are_not() {
    let edge = LimitLayer::of_networks(TWO, 100, events()).layer(service_fn(http));
    let from = |address: &str| {
        let address: SocketAddr = address.parse().unwrap();
        move |extensions: &mut http::Extensions| {
            extensions.insert(Peer {
                address,
                id: None,
                certificate: None,
            });
        }
    };
    for address in ["[2001:db8::1]:1", "[2001:db8::ffff:2]:9"] {
        assert_eq!(ask(&edge, from(address)).await.0, StatusCode::OK);
    }
    let (status, headers) = ask(&edge, from("[2001:db8::3]:1")).await;
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
    assert!(text(&headers, "retry-after").parse::<u64>().unwrap() > 1);
    assert_eq!(text(&headers, "content-type"), "application/problem+json");
    for other in ["[2001:db8:0:1::1]:1", "192.0.2.1:1"] {
        assert_eq!(ask(&edge, from(other)).await.0, StatusCode::OK);
    }
    // Without a listener underneath nobody is let through.
    let (status, _) = ask(&edge, |_| {}).await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
}

#[tokio::test]
async fn a_workload_is_told_when_to_come_back() {
    let hop = LimitLayer::of_workloads(TWO, 100, events()).layer(service_fn(grpc));
    let of = |name: &str| {
        let domain = trust_domain(strata_core::Layer::Process, Environment::Dev).unwrap();
        let caller = Caller::Workload(domain.workload(name).unwrap());
        move |extensions: &mut http::Extensions| {
            extensions.insert(caller);
        }
    };
    for _ in 0..2 {
        let (_, headers) = ask(&hop, of("one")).await;
        assert!(headers.get("grpc-status").is_none());
    }
    let (_, headers) = ask(&hop, of("one")).await;
    let status = Status::from_header_map(&headers).unwrap();
    assert_eq!(status.code(), Code::ResourceExhausted);
    let details = status.get_error_details();
    assert!(details.error_info().is_some());
    let wait = details.retry_info().unwrap().retry_delay.unwrap();
    assert!(wait > Duration::from_secs(1) && wait <= TWO.per, "{wait:?}");
    let (_, headers) = ask(&hop, of("other")).await;
    assert!(headers.get("grpc-status").is_none());
}

fn user(subject: &str) -> Arc<Principal> {
    Arc::new(Principal {
        subject: subject.to_owned(),
        roles: Vec::new(),
        scopes: Vec::new(),
        region: None,
        tenant: None,
        clearance: Clearance::default(),
        authentication: Authentication::default(),
    })
}

#[tokio::test]
async fn each_user_is_limited_on_their_own() {
    let hop = LimitLayer::of_users(TWO, 100, events()).layer(service_fn(http));
    let of = |subject: &str| {
        let principal = user(subject);
        move |extensions: &mut http::Extensions| {
            extensions.insert(principal);
        }
    };
    for _ in 0..2 {
        assert_eq!(ask(&hop, of("cus_1")).await.0, StatusCode::OK);
    }
    assert_eq!(
        ask(&hop, of("cus_1")).await.0,
        StatusCode::TOO_MANY_REQUESTS
    );
    assert_eq!(ask(&hop, of("cus_2")).await.0, StatusCode::OK);
    // What acts for nobody is limited by its caller.
    for _ in 0..5 {
        assert_eq!(ask(&hop, |_| {}).await.0, StatusCode::OK);
    }
}

const fn method(name: &'static str, path: &'static str) -> Method {
    Method {
        name,
        path,
        purpose: "",
        scope: "",
        idempotent: true,
        ceiling: Label::new(Sensitivity::Public, &[]),
        durable: false,
    }
}

/// Two on one path, as a GET and a PUT are.
static METHODS: [Method; 2] = [method("Get", "/v1/e"), method("Put", "/v1/e")];

/// Two consumers, `few` and `many`, whose plans differ in what comes first: the quota or the spike.
fn consumers() -> Consumers {
    let folder = tempfile::tempdir().unwrap();
    let plan = |name: &str, quota: u32, spike: u32| {
        format!(
            "[plans.{name}]\nquota = {{ requests = {quota}, per = '1h' }}\n\
             spike = {{ requests = {spike}, per = '1h' }}\nmethods = ['Get']\n\
             ceiling = {{ sensitivity = 'internal' }}\n"
        )
    };
    let consumer = |name: &str| {
        format!(
            "[[consumers]]\nclient_id = '{name}'\nowner = 'team'\nplan = '{name}'\n\
             scopes = ['a']\npurpose = 'p'\nreview = '2027-06-30'\n"
        )
    };
    let write = |name: &str, text: String| fs::write(folder.path().join(name), text).unwrap();
    write("plans.toml", plan("few", 2, 5) + &plan("many", 100, 3));
    write("consumers.toml", consumer("few") + &consumer("many"));
    Consumers::load(folder.path(), &METHODS).unwrap()
}

#[tokio::test]
async fn a_consumer_takes_what_its_plan_has_and_is_told_what_is_left() {
    let consumers = consumers();
    let edge = ConsumerLayer::new(&consumers, None, events()).layer(service_fn(http));
    let of = |client: &str| {
        let consumer = Arc::clone(consumers.get(client).unwrap());
        move |extensions: &mut http::Extensions| {
            extensions.insert(consumer);
        }
    };
    let (status, headers) = ask(&edge, of("few")).await;
    assert_eq!(status, StatusCode::OK);
    let policy = "\"quota\";q=2;w=3600, \"spike\";q=5;w=3600";
    assert_eq!(text(&headers, "ratelimit-policy"), policy);
    let left = text(&headers, "ratelimit");
    assert!(left.starts_with("\"quota\";r=1;t="), "{left}");
    assert!(left.ends_with(", \"spike\";r=4"), "{left}");
    assert_eq!(ask(&edge, of("few")).await.0, StatusCode::OK);

    let (status, headers) = ask(&edge, of("few")).await;
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
    let left = text(&headers, "ratelimit");
    assert!(left.starts_with("\"quota\";r=0;t="), "{left}");
    assert_eq!(text(&headers, "ratelimit-policy"), policy);
    let wait = text(&headers, "retry-after");
    assert!(left.ends_with(wait) && wait.parse::<u64>().unwrap() > 3000);

    for _ in 0..3 {
        assert_eq!(ask(&edge, of("many")).await.0, StatusCode::OK);
    }
    let (status, headers) = ask(&edge, of("many")).await;
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
    let left = text(&headers, "ratelimit");
    assert!(left.starts_with("\"spike\";r=0;t="), "{left}");

    let (status, _) = ask(&edge, |_| {}).await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
}

#[tokio::test]
async fn a_plan_has_its_methods_and_no_other() {
    let consumers = consumers();
    let edge = PlanLayer::new(events()).layer(service_fn(http));
    let consumer = consumers.get("few").unwrap();
    let of = |method: Method| {
        let consumer = Arc::clone(consumer);
        move |extensions: &mut http::Extensions| {
            extensions.insert(consumer);
            extensions.insert(method);
        }
    };
    assert_eq!(ask(&edge, of(METHODS[0])).await.0, StatusCode::OK);
    assert_eq!(ask(&edge, of(METHODS[1])).await.0, StatusCode::FORBIDDEN);
    let (status, _) = ask(&edge, |_| {}).await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
}
