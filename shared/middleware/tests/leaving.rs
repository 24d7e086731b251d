//! Calls over connections that are asked to leave all the time: none is lost.

#![cfg(test)]

use std::{
    convert::Infallible,
    path::Path,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use opentelemetry::global;
use strata_config::{Environment, Manifest, trust_domain};
use strata_core::Layer;
use strata_estate::Pki;
use strata_middleware::RetryLayer;
use strata_net::{Callee, Limits, Networks, Outgoing, Transport, channel, serve};
use strata_telemetry::{Events, UpstreamMetrics};
use strata_tls::{Exempted, Material, Trust};
use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tower::{Layer as _, Service as _, ServiceExt as _, service_fn};

const ENVIRONMENT: Environment = Environment::Dev;
const CALLERS: usize = 32;
const CALLS: usize = 300;

/// Connections leave long before these calls are over.
fn limits() -> Limits {
    Limits {
        connections: 64,
        connections_per_address: 64,
        handshakes: 64,
        handshakes_per_address: 1000,
        handshake_timeout: Duration::from_secs(30),
        concurrent_streams: 100,
        header_timeout: Duration::from_secs(30),
        exchange_timeout: Duration::from_secs(30),
        connection_age: Duration::from_millis(25),
        drain_timeout: Duration::from_secs(30),
        trusted_proxies: Vec::new(),
        http_proxies: Vec::new(),
        networks: Networks::loopback(),
    }
}

fn material(pki: &Pki, layer: Layer, service: &str) -> Material {
    let text = format!(
        "name = \"{service}\"\nlayer = \"{layer}\"\nowner = \"team\"\ndescription = \"A sample.\"\n"
    );
    let manifest = Manifest::parse(&text, Path::new("service.toml")).unwrap();
    let domain = |layer| trust_domain(layer, ENVIRONMENT).unwrap();
    let trust = Trust {
        own: domain(layer).workload(service).unwrap(),
        callers: layer.callers().map(domain).collect(),
        callees: layer.callees().map(domain).collect(),
        exempted: Exempted::default(),
        accept_stale_crls: false,
    };
    Material::load(&pki.issue(&manifest, &[]).unwrap(), trust).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn connections_that_leave_lose_no_call() {
    let folder = tempfile::tempdir().unwrap();
    let pki = Pki::init(&folder.path().join("pki"), ENVIRONMENT).unwrap();
    let callee = material(&pki, Layer::System, "callee");
    let caller = material(&pki, Layer::Process, "caller");
    let events = || Events::new(&global::meter("test"));

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = listener.local_addr().unwrap().to_string();
    let transport = Transport::Mtls {
        config: callee.server_config(),
        callers: callee.callers(),
    };
    let answer = service_fn(|_: Request<Incoming>| async {
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"done"))))
    });
    let (stop, told) = (CancellationToken::new(), events());
    tokio::spawn(async move {
        serve(listener, transport, answer, &limits(), told, stop).await;
    });

    let metrics = UpstreamMetrics::new(&global::meter("test"), "callee");
    let channel = channel(Callee {
        name: "callee",
        endpoints: &[endpoint],
        config: caller.client_config(callee.id()),
        callees: caller.callees(),
        calls: CALLERS,
        events: events(),
        metrics: metrics.clone(),
    })
    .unwrap();
    let stack = RetryLayer::new(&[], metrics).layer(channel);
    let mut running = JoinSet::new();
    for _ in 0..CALLERS {
        let mut stack = stack.clone();
        running.spawn(async move {
            for _ in 0..CALLS {
                let request = Request::post("/").body(Body::empty()).unwrap();
                let deadline = Instant::now() + Duration::from_secs(60);
                let outgoing = Outgoing::new(request, deadline).unwrap();
                let answer = stack.ready().await.unwrap().call(outgoing).await;
                match answer {
                    Ok(answer) => {
                        answer.into_body().collect().await.unwrap();
                    }
                    Err(error) => panic!("{error}"),
                }
            }
        });
    }
    while let Some(ended) = running.join_next().await {
        ended.unwrap();
    }
}
