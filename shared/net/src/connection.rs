//! The life of one accepted connection: handshake, requests, drain.

use std::{convert::Infallible, net::SocketAddr, pin::pin};

use http_body::Body;
use hyper::{Request, Response, body::Incoming};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
    service::TowerToHyperService,
};
use strata_telemetry::{Events, SecurityEvent};
use tokio::{net::TcpStream, sync::Semaphore, time::timeout};
use tokio_util::sync::CancellationToken;
use tower::{Service, ServiceExt as _};

use crate::{
    http,
    limits::Limits,
    opening::Opening,
    peer::Peer,
    transport::{Failure, Stream, Transport},
};

/// What all connections of a listener share.
pub(crate) struct Connections {
    transport: Transport,
    limits: Limits,
    events: Events,
    handshakes: Semaphore,
    http: Builder<TokioExecutor>,
}

impl Connections {
    pub(crate) fn new(transport: Transport, limits: Limits, events: Events) -> Self {
        Self {
            http: http::builder(&transport, &limits),
            handshakes: Semaphore::new(limits.handshakes),
            transport,
            limits,
            events,
        }
    }

    /// Serves one connection to its end. After `shutdown` it takes no new request (GOAWAY in
    /// HTTP/2) and ends with the last one in flight.
    pub(crate) async fn run<S, B>(
        &self,
        stream: TcpStream,
        address: SocketAddr,
        service: S,
        shutdown: CancellationToken,
    ) where
        S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>
            + Clone
            + Send
            + 'static,
        S::Future: Send + 'static,
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let Some((stream, peer)) = self.handshake(stream, address).await else {
            return;
        };
        let service = service.map_request(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(peer.clone());
            request
        });
        let io = TokioIo::new(Opening::new(stream, self.limits.header_timeout));
        let mut connection = pin!(
            self.http
                .serve_connection(io, TowerToHyperService::new(service))
        );
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = shutdown.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%address, error, "connection ended");
        }
    }

    async fn handshake(&self, stream: TcpStream, address: SocketAddr) -> Option<(Stream, Peer)> {
        // Small answers must not wait for one another (Nagle's algorithm).
        let _ = stream.set_nodelay(true);
        let accepting = self.transport.accept(stream, address, &self.handshakes);
        let reason = match timeout(self.limits.handshake_timeout, accepting).await {
            Ok(Ok(accepted)) => return Some(accepted),
            Ok(Err(Failure::Refused(refusal))) => refusal.reason(),
            Ok(Err(Failure::Lost(error))) => {
                tracing::debug!(%address, %error, "handshake broken off");
                return None;
            }
            Err(_) => "handshake_timeout",
        };
        self.events
            .emit(&SecurityEvent::PeerRefused { address, reason });
        None
    }
}
