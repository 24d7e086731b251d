//! The admin listener: liveness, readiness and metrics, apart from the API and never on its port.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use axum::{Router, routing::get};
use http::{StatusCode, header};
use strata_net::{Limits, Transport, serve};
use strata_telemetry::Telemetry;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Whether the service can answer now.
#[derive(Clone, Default)]
pub(crate) struct Ready(Arc<AtomicBool>);

impl Ready {
    pub(crate) fn set(&self, ready: bool) {
        self.0.store(ready, Ordering::Release);
    }

    fn get(&self) -> bool {
        self.0.load(Ordering::Acquire)
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
