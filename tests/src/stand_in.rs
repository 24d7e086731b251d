//! A stand-in for a service: it answers under whatever identity a test gives it, and keeps what
//! reached it.

use std::{
    convert::Infallible,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context as _, Result};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::Empty;
use hyper::body::Incoming;
use strata_net::{Limits, Transport};
use strata_telemetry::Events;
use strata_testkit::Credential;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

const LIMITS: Limits = Limits {
    connections: 16,
    connections_per_address: 256,
    handshakes: 16,
    handshake_timeout: Duration::from_secs(5),
    concurrent_streams: 100,
    header_timeout: Duration::from_secs(5),
    exchange_timeout: Duration::from_secs(60),
    connection_age: Duration::from_secs(3600),
    drain_timeout: Duration::from_secs(1),
    trusted_proxies: Vec::new(),
};
/// NOT_FOUND: what a service answers that knows nothing.
const STATUS: HeaderValue = HeaderValue::from_static("5");

/// A gRPC server that finds nothing. Stops when dropped.
pub struct StandIn {
    /// Where it listens.
    pub address: SocketAddr,
    received: Arc<Mutex<Vec<HeaderMap>>>,
    _shutdown: DropGuard,
}

impl StandIn {
    /// Presents `credential` and accepts any client.
    ///
    /// # Errors
    /// When the credential cannot be used.
    pub async fn start(credential: &Credential) -> Result<Self> {
        let transport = Transport::Https(credential.server_config()?);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .context("the stand-in cannot listen")?;
        let address = listener.local_addr()?;
        let received = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&received);
        let service = tower::service_fn(move |request: Request<Incoming>| {
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.push(request.into_parts().0.headers);
            std::future::ready(Ok::<_, Infallible>(not_found()))
        });
        let shutdown = CancellationToken::new();
        let stop = shutdown.clone();
        tokio::spawn(async move {
            let events = Events::new(&opentelemetry::global::meter("stand-in"));
            strata_net::serve(listener, transport, service, &LIMITS, events, stop).await
        });
        Ok(Self {
            address,
            received,
            _shutdown: shutdown.drop_guard(),
        })
    }

    /// The headers of every request so far.
    #[must_use]
    pub fn received(&self) -> Vec<HeaderMap> {
        self.received
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// An answer without a message (gRPC over HTTP/2, "Responses": trailers-only).
fn not_found() -> Response<Empty<Bytes>> {
    let mut response = Response::new(Empty::new());
    let headers = response.headers_mut();
    headers.insert("content-type", HeaderValue::from_static("application/grpc"));
    headers.insert("grpc-status", STATUS);
    response
}
