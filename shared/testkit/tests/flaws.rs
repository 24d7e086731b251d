//! Every flaw is refused by a real server for the reason it says, and the same call made with an
//! honest credential is answered.

#![cfg(test)]

use std::{
    convert::Infallible,
    net::SocketAddr,
    path::Path,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, header::CONTENT_TYPE};
use http_body_util::{BodyExt as _, Full, combinators::BoxBody};
use hyper::body::Incoming;
use strata_config::{Environment, LogFormat, Manifest, trust_domain};
use strata_core::{Layer, SpiffeId};
use strata_estate::Pki;
use strata_net::{Limits, Networks, Transport};
use strata_telemetry::{Identity, Telemetry, UpstreamMetrics};
use strata_testkit::{Credential, Flaw, Probe};
use strata_tls::{Exempted, Material, Trust};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

const ENVIRONMENT: Environment = Environment::Dev;
const METHOD: &str = "/process.callee.v1.CalleeService/Get";
fn limits() -> Limits {
    Limits {
        connections: 64,
        connections_per_address: 256,
        handshakes: 64,
        handshakes_per_address: 1000,
        handshake_timeout: Duration::from_secs(5),
        concurrent_streams: 100,
        header_timeout: Duration::from_secs(5),
        exchange_timeout: Duration::from_secs(60),
        connection_age: Duration::from_secs(3600),
        drain_timeout: Duration::from_secs(5),
        trusted_proxies: Vec::new(),
        http_proxies: Vec::new(),
        networks: Networks::loopback(),
    }
}

fn id(layer: Layer, service: &str) -> SpiffeId {
    trust_domain(layer, ENVIRONMENT)
        .unwrap()
        .workload(service)
        .unwrap()
}

/// The material of `<layer>-<service>`, as a service loads it.
fn material(pki: &Pki, layer: Layer, service: &str) -> Material {
    let text = format!(
        "name = \"{service}\"\nlayer = \"{layer}\"\nowner = \"team\"\ndescription = \"A sample.\"\n"
    );
    let manifest = Manifest::parse(&text, Path::new("service.toml")).unwrap();
    let folder = pki.issue(&manifest, &[]).unwrap();
    let domain = |layer| trust_domain(layer, ENVIRONMENT).unwrap();
    let trust = Trust {
        own: id(layer, service),
        callers: layer.callers().map(domain).collect(),
        callees: layer.callees().map(domain).collect(),
        exempted: Exempted::default(),
        accept_stale_crls: false,
    };
    Material::load(&folder, trust).unwrap()
}

/// Answers every gRPC call with an empty message, and counts.
async fn serve(transport: Transport, calls: Arc<AtomicUsize>) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = tower::service_fn(move |_: Request<Incoming>| {
        calls.fetch_add(1, Ordering::SeqCst);
        let message = Full::new(Bytes::from_static(&[0; 5]));
        let trailers = HeaderMap::from_iter([(
            http::HeaderName::from_static("grpc-status"),
            HeaderValue::from_static("0"),
        )]);
        let trailers = async move { Some(Ok::<_, Infallible>(trailers)) };
        let body: BoxBody<Bytes, Infallible> = message.with_trailers(trailers).boxed();
        let response = Response::builder()
            .header(CONTENT_TYPE, "application/grpc")
            .body(body);
        async move { Ok::<_, Infallible>(response.unwrap()) }
    });
    let stop = CancellationToken::new();
    tokio::spawn(async move {
        let events = TELEMETRY.events();
        strata_net::serve(listener, transport, service, &limits(), events, stop).await
    });
    address
}

/// One per process; the two tests count different events.
static TELEMETRY: LazyLock<Telemetry> = LazyLock::new(|| {
    let config = strata_config::Telemetry {
        log_format: LogFormat::Pretty,
        log_filter: "off".to_owned(),
        otlp_endpoint: None,
        sample_ratio: 0.0,
    };
    let identity = Identity {
        service: "callee".to_owned(),
        layer: Layer::Process,
        environment: ENVIRONMENT,
    };
    Telemetry::start(&config, &identity).unwrap()
});

/// How often `event` was emitted for `reason`.
fn count(event: &str, reason: &str) -> usize {
    let metrics = TELEMETRY.render();
    let (event, reason) = (format!("event=\"{event}\""), format!("reason=\"{reason}\""));
    let line = metrics.lines().find(|line| {
        line.starts_with("strata_security_events")
            && line.contains(&event)
            && line.contains(&reason)
    });
    line.and_then(|line| line.rsplit(' ').next()?.parse().ok())
        .unwrap_or(0)
}

/// The other side may still be about to emit when this one has its answer.
async fn counted(event: &str, reason: &str, before: usize) {
    let emitted = async {
        while count(event, reason) == before {
            tokio::task::yield_now().await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(10), emitted).await;
    assert!(waited.is_ok(), "no {event} for {reason}");
}

#[tokio::test]
async fn a_server_refuses_every_flaw_of_a_caller() {
    let folder = tempfile::tempdir().unwrap();
    let pki = Pki::init(&folder.path().join("pki"), ENVIRONMENT).unwrap();
    let callee = material(&pki, Layer::Process, "callee");
    let config = callee.server_config();
    let callers = callee.callers();
    let calls = Arc::new(AtomicUsize::new(0));
    let address = serve(Transport::Mtls { config, callers }, Arc::clone(&calls)).await;
    let caller = id(Layer::Experience, "caller");

    let honest = Credential::honest(&pki, &caller).unwrap();
    let mut probe = Probe::new(&pki, address, &honest).unwrap();
    probe.call(METHOD, Bytes::new()).await.unwrap();
    assert_eq!(calls.load(Ordering::SeqCst), 1);

    // An honest stranger passes the handshake: callers.toml is what refuses it.
    for flaw in Flaw::ALL
        .into_iter()
        .filter(|flaw| *flaw != Flaw::WrongIdentity)
    {
        let before = count("peer_refused", flaw.reason());
        let credential = flaw.caller(&pki, &caller).unwrap();
        let mut probe = Probe::new(&pki, address, &credential).unwrap();
        assert!(
            probe.call(METHOD, Bytes::new()).await.is_err(),
            "{flaw:?} was answered"
        );
        counted("peer_refused", flaw.reason(), before).await;
    }
    assert_eq!(
        calls.load(Ordering::SeqCst),
        1,
        "a handler ran for a refused caller"
    );
}

#[tokio::test]
async fn a_client_refuses_every_flaw_of_a_callee() {
    let folder = tempfile::tempdir().unwrap();
    let pki = Pki::init(&folder.path().join("pki"), ENVIRONMENT).unwrap();
    let caller = material(&pki, Layer::Experience, "caller");
    let callee = id(Layer::Process, "callee");
    let connect = |address: SocketAddr| {
        let channel = strata_net::channel(strata_net::Callee {
            name: "callee",
            endpoints: &[address.to_string()],
            config: caller.client_config(&callee),
            callees: caller.callees(),
            calls: 1,
            events: TELEMETRY.events(),
            metrics: UpstreamMetrics::new(&TELEMETRY.meter(), "callee"),
        });
        Probe::over(channel.unwrap())
    };
    let calls = Arc::new(AtomicUsize::new(0));

    let honest = Credential::honest(&pki, &callee)
        .unwrap()
        .server_config()
        .unwrap();
    let address = serve(Transport::Https(honest), Arc::clone(&calls)).await;
    connect(address).call(METHOD, Bytes::new()).await.unwrap();
    assert_eq!(calls.load(Ordering::SeqCst), 1);

    for flaw in Flaw::ALL
        .into_iter()
        .filter(|flaw| *flaw != Flaw::NoCertificate)
    {
        let reason = match flaw {
            Flaw::WrongIdentity => "wrong_identity",
            other => other.reason(),
        };
        let before = count("upstream_refused", reason);
        let config = flaw.callee(&pki, &callee).unwrap().server_config().unwrap();
        let address = serve(Transport::Https(config), Arc::clone(&calls)).await;
        assert!(
            connect(address).call(METHOD, Bytes::new()).await.is_err(),
            "{flaw:?} was called"
        );
        counted("upstream_refused", reason, before).await;
    }
    assert_eq!(
        calls.load(Ordering::SeqCst),
        1,
        "a refused callee was called"
    );
}
