//! The admin listener: liveness, readiness and metrics, apart from the API and never on its port.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use axum::{Router, routing::get};
use http::{StatusCode, header};
use strata_net::{Limits, Transport, serve};
use strata_telemetry::Telemetry;
use tokio::{net::TcpListener, sync::watch};
use tokio_util::sync::CancellationToken;

/// Whether the service can answer now: it is up, and its audit trail can be written.
#[derive(Clone)]
pub(crate) struct Ready {
    up: Arc<AtomicBool>,
    sound: watch::Receiver<bool>,
}

impl Ready {
    /// Not up yet. `sound` says whether the trail can be written.
    pub(crate) fn new(sound: watch::Receiver<bool>) -> Self {
        let up = Arc::default();
        Self { up, sound }
    }

    pub(crate) fn set(&self, up: bool) {
        self.up.store(up, Ordering::Release);
    }

    fn get(&self) -> bool {
        self.up.load(Ordering::Acquire) && *self.sound.borrow()
    }
}

/// Serves until `shutdown`.
pub(crate) async fn run(
    listener: TcpListener,
    limits: Limits,
    ready: Ready,
    telemetry: Arc<Telemetry>,
    shutdown: CancellationToken,
) {
    let events = telemetry.events();
    let router = Router::new()
        .route("/livez", get(|| std::future::ready("live\n")))
        .route(
            "/readyz",
            get(move || {
                std::future::ready(if ready.get() {
                    (StatusCode::OK, "ready\n")
                } else {
                    (StatusCode::SERVICE_UNAVAILABLE, "not ready\n")
                })
            }),
        )
        .route(
            "/metrics",
            get(move || {
                let text = telemetry.render();
                std::future::ready(([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text))
            }),
        );
    let service = tower::ServiceBuilder::new()
        .map_request(|request: http::Request<hyper::body::Incoming>| {
            request.map(axum::body::Body::new)
        })
        .service(router);
    serve(
        listener,
        Transport::Plain,
        service,
        &limits,
        events,
        shutdown,
    )
    .await;
}
