//! Whose word on where a client is counts, and what follows from it for the layers inside.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{convert::Infallible, net::SocketAddr, time::Duration};

use axum::body::Body;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use opentelemetry::metrics::MeterProvider as _;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use prometheus::Registry;
use strata_config::{Rate, XForwardedFor};
use strata_middleware::{ForwardedLayer, LimitLayer};
use strata_net::{NetworkRules, Networks, Peer};
use strata_telemetry::Events;
use tokio::sync::watch;
use tower::{Layer as _, Service, ServiceExt as _, service_fn};

const PROXY: &str = "10.0.0.1:443";
const CLIENT: &str = "192.0.2.7";

/// A layer at work, its lists of networks and what it told.
struct Edge {
    layer: ForwardedLayer,
    lists: watch::Sender<NetworkRules>,
    registry: Registry,
    provider: SdkMeterProvider,
}

impl Edge {
    fn new(hops: Option<usize>) -> Self {
        let registry = Registry::new();
        let exporter = opentelemetry_prometheus::exporter().with_registry(registry.clone());
        let provider = SdkMeterProvider::builder().with_reader(exporter.build().unwrap());
        let provider = provider.build();
        let lists = watch::Sender::new(rules(&[]));
        let trusted = hops.map(|hops| XForwardedFor {
            proxies: vec!["10.0.0.0/8".parse().unwrap()],
            hops,
        });
        Self {
            layer: ForwardedLayer::new(
                trusted,
                Networks::watched(lists.subscribe()),
                Events::new(&provider.meter("test")),
            ),
            lists,
            registry,
            provider,
        }
    }

    fn events(&self) -> Events {
        Events::new(&self.provider.meter("test"))
    }

    /// What the layers inside take for the client's address.
    async fn seen(&self, from: &str, lines: &[&str]) -> String {
        let (status, body) = ask(self.layer.layer(service_fn(address)), from, lines).await;
        assert_eq!(status, StatusCode::OK, "{lines:?}: {body}");
        body
    }

    async fn status(&self, from: &str, lines: &[&str]) -> StatusCode {
        ask(self.layer.layer(service_fn(address)), from, lines)
            .await
            .0
    }

    /// The reasons of what was told, each as often as it was.
    fn reasons(&self) -> Vec<String> {
        let families = self.registry.gather();
        let events = families
            .iter()
            .filter(|family| family.name().starts_with("strata_security_events"));
        let metrics = events.flat_map(|family| family.get_metric());
        let told = metrics.flat_map(|metric| {
            let mut labels = metric.get_label().iter();
            let reason = labels.find(|label| label.name() == "reason").unwrap();
            let times = metric.get_counter().get_value() as usize;
            vec![reason.value().to_owned(); times]
        });
        told.collect()
    }
}

/// Everything but these.
fn rules(block: &[&str]) -> NetworkRules {
    let parsed = |list: &[&str]| {
        list.iter()
            .map(|it| it.parse().unwrap())
            .collect::<Vec<_>>()
    };
    NetworkRules::new(&parsed(&["0.0.0.0/0", "::/0"]), &parsed(block))
}

/// Answers with where the client is. It sees no header that would say so.
async fn address(request: Request<()>) -> Result<Response<Body>, Infallible> {
    for name in ["x-forwarded-for", "forwarded", "x-real-ip"] {
        assert!(
            !request.headers().contains_key(name),
            "{name} goes on inside"
        );
    }
    assert!(request.headers().contains_key("x-other"));
    let peer = request.extensions().get::<Peer>().unwrap();
    assert_eq!(peer.certificate, Some([7; 32]));
    Ok(Response::new(peer.address.to_string().into()))
}

async fn ask<S>(service: S, from: &str, lines: &[&str]) -> (StatusCode, String)
where
    S: Service<Request<()>, Response = Response<Body>, Error = Infallible>,
{
    let mut request = Request::new(());
    request.extensions_mut().insert(Peer {
        address: from.parse::<SocketAddr>().unwrap(),
        id: None,
        certificate: Some([7; 32]),
    });
    let headers = request.headers_mut();
    for line in lines {
        headers.append(
            "x-forwarded-for",
            HeaderValue::from_bytes(line.as_bytes()).unwrap(),
        );
    }
    headers.insert("forwarded", HeaderValue::from_static("for=203.0.113.9"));
    headers.insert("x-real-ip", HeaderValue::from_static("203.0.113.9"));
    headers.insert("x-other", HeaderValue::from_static("stays"));
    let (head, body) = service.oneshot(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (head.status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn the_trusted_proxies_say_where_a_client_is_and_nobody_else_does() {
    let (one, two) = (Edge::new(Some(1)), Edge::new(Some(2)));
    let client = format!("{CLIENT}:0");
    assert_eq!(one.seen(PROXY, &[CLIENT]).await, client);
    assert_eq!(one.seen("[::ffff:10.0.0.1]:443", &[CLIENT]).await, client);
    assert_eq!(two.seen(PROXY, &[CLIENT, "10.0.0.2"]).await, client);
    // What the client wrote itself stands at the left.
    assert_eq!(one.seen(PROXY, &["203.0.113.9", CLIENT]).await, client);
    let line = format!("203.0.113.9, {CLIENT}, 10.0.0.2");
    assert_eq!(two.seen(PROXY, &[&line]).await, client);
    // Of a stranger nothing is read, and so nothing is wrong with it.
    for lines in [&[CLIENT][..], &["unknown"], &[]] {
        let stranger = "198.51.100.1:9";
        assert_eq!(one.seen(stranger, lines).await, stranger);
        assert_eq!(Edge::new(None).seen(PROXY, lines).await, PROXY);
    }
    assert!(one.reasons().is_empty() && two.reasons().is_empty());
}

#[tokio::test]
async fn a_proxy_that_does_not_say_for_whom_is_refused() {
    let edge = Edge::new(Some(2));
    edge.seen(PROXY, &[CLIENT, "10.0.0.2"]).await;
    let mut expected = Vec::new();
    for (lines, reason) in [
        (&[][..], "no_client_address"),
        (&[CLIENT], "no_client_address"),
        (&["", CLIENT, "10.0.0.2"], "malformed_client_address"),
        (&["unknown", "10.0.0.2"], "malformed_client_address"),
        (&[CLIENT, "é", "10.0.0.2"], "malformed_client_address"),
        // Past the outer proxy, which is not there to write down the real one.
        (&["203.0.113.9", CLIENT], "unknown_proxy"),
    ] {
        let (status, body) = ask(edge.layer.layer(service_fn(address)), PROXY, lines).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{lines:?}");
        assert!(body.contains("INVALID_ARGUMENT"), "{body}");
        for told in ["forwarded", "proxy", CLIENT, "10.0.0"] {
            assert!(!body.to_lowercase().contains(told), "{body}");
        }
        expected.push(reason.to_owned());
    }
    let mut reasons = edge.reasons();
    reasons.sort_unstable();
    expected.sort_unstable();
    assert_eq!(reasons, expected);
}

#[tokio::test]
async fn who_is_behind_a_proxy_is_looked_up_in_the_lists_as_they_are_now() {
    let edge = Edge::new(Some(1));
    edge.seen(PROXY, &[CLIENT]).await;
    edge.lists.send_replace(rules(&["192.0.2.0/24"]));
    for blocked in [CLIENT, "::ffff:192.0.2.9", "192.0.2.9:5"] {
        let status = edge.status(PROXY, &[blocked]).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{blocked}");
    }
    edge.seen(PROXY, &["198.51.100.1"]).await;
    // What it says it is itself opens nothing.
    let status = edge.status(PROXY, &["198.51.100.1", CLIENT]).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    edge.lists.send_replace(rules(&[]));
    edge.seen(PROXY, &[CLIENT]).await;
    assert_eq!(edge.reasons(), ["blocked_client"; 4]);
}

#[tokio::test]
async fn each_client_behind_a_proxy_is_limited_on_its_own() {
    let edge = Edge::new(Some(1));
    let two = Rate {
        requests: 2,
        per: Duration::from_secs(3600),
    };
    let limit = LimitLayer::of_networks(two, 100, edge.events());
    let limited = edge.layer.layer(limit.layer(service_fn(address)));
    let ask = async |lines: &[&str]| ask(limited.clone(), PROXY, lines).await.0;
    for lines in [&["2001:db8::1"][..], &["203.0.113.9", "2001:db8::ffff:2"]] {
        assert_eq!(ask(lines).await, StatusCode::OK);
    }
    for lines in [
        &["[2001:db8::3]:1"][..],
        &["2001:db8:0:1::1", "2001:db8::4"],
    ] {
        assert_eq!(ask(lines).await, StatusCode::TOO_MANY_REQUESTS);
    }
    for other in ["2001:db8:0:1::1", CLIENT] {
        assert_eq!(ask(&[other]).await, StatusCode::OK);
    }
}

/// No listener of ours is underneath: whoever asks where a client is refuses that.
#[tokio::test]
async fn without_a_connection_there_is_no_client() {
    let edge = Edge::new(Some(1));
    let inner = service_fn(|request: Request<()>| async move {
        assert!(request.extensions().get::<Peer>().is_none());
        assert!(request.headers().is_empty());
        Ok::<_, Infallible>(Response::new(Body::empty()))
    });
    let request = Request::get("/").header("x-forwarded-for", CLIENT);
    let answer = edge.layer.layer(inner).oneshot(request.body(()).unwrap());
    assert_eq!(answer.await.unwrap().status(), StatusCode::OK);
}
