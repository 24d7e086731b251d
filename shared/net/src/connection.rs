//! The life of one accepted connection: whom it is from, handshake, requests, the request to leave,
//! the end.

use std::{convert::Infallible, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use futures_util::{StreamExt as _, stream::FuturesUnordered};
use http_body::Body;
use hyper::{Request, Response, Version, body::Incoming};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use rustls_pki_types::CertificateDer;
use strata_telemetry::{Events, SecurityEvent};
use strata_tls::Refusal;
use tokio::{
    net::TcpStream,
    sync::watch,
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tower::{Service, ServiceExt as _};

use crate::{
    addresses::{Addresses, Penalty, Place},
    closing::{self, abuse},
    frames,
    guarded::Guarded,
    handshakes::Handshakes,
    http,
    limits::Limits,
    networks::within,
    peer::Peer,
    proxy,
    streams::{self, Streams},
    transport::{Accepted, Failure, Transport},
};

/// How long requests in flight go on after their peer ceased to be trusted.
const REFUSED_GRACE: Duration = Duration::from_secs(2);

/// How long a workload or an HTTP proxy that flooded waits before each handshake.
const DELAY: Duration = Duration::from_secs(1);

/// The reason of a peer from where nothing is taken.
const BLOCKED: &str = "blocked_network";

/// A peer that takes none of what it is sent has so many header timeouts.
const STALLED: u32 = 2;

/// What all connections of a listener share.
pub(crate) struct Connections {
    transport: Transport,
    limits: Limits,
    pub(crate) events: Events,
    handshakes: Handshakes,
    addresses: Arc<Addresses>,
}

/// Why a connection is to end.
enum Leave {
    Overdue,
    Shutdown,
    Age,
    Blocked,
    Refused(Refusal),
}

impl Connections {
    pub(crate) fn new(transport: Transport, limits: Limits, events: Events) -> Self {
        Self {
            handshakes: Handshakes::new(&limits),
            addresses: Addresses::new(limits.connections_per_address),
            transport,
            limits,
            events,
        }
    }

    /// Serves one connection to its end. Asked to leave, it takes no new request (GOAWAY in HTTP/2)
    /// and ends with the last one in flight, or when its time is over.
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
        let socket = address;
        let Some((accepted, address, _place)) = self.accept(stream, address).await else {
            return;
        };
        let Accepted {
            stream,
            http2,
            id,
            own,
            peer,
            certificate,
        } = accepted;
        let for_many = id.is_some() || within(&self.limits.http_proxies, address.ip());
        let (resets, penalty) = if for_many {
            (frames::BY_MANY, Penalty::Delayed(DELAY))
        } else {
            (frames::BY_ANYBODY, Penalty::Refused)
        };
        let resets = http2.then_some(resets);
        let identity = Peer {
            address,
            id,
            certificate,
        };
        let (asked, heads) = watch::channel(None);
        let http1 = heads.clone();
        let service = service.map_request(move |mut request: Request<Incoming>| {
            if request.version() < Version::HTTP_2 {
                asked.send_replace(Some(Instant::now()));
            }
            request.extensions_mut().insert(identity.clone());
            request
        });
        let streams = Streams {
            longest: self.limits.exchange_timeout,
            address,
            events: self.events.clone(),
        };
        let (begun, patience) = (Instant::now(), self.limits.header_timeout);
        let io = Guarded::opening(stream, resets, patience, patience * STALLED);
        let http = http::builder(http2, &self.limits, streams);
        let mut connection =
            pin!(http.serve_connection(TokioIo::new(io), TowerToHyperService::new(service)));
        // Between two requests hyper waits no longer than the header timeout.
        let longest = self.limits.exchange_timeout + self.limits.header_timeout;
        let end = async {
            tokio::select! {
                () = streams::overdue(heads, longest) => Leave::Overdue,
                leave = self.leave((socket, address), own.as_ref(), peer.as_ref(), &shutdown) => leave,
            }
        };
        // Asked when something of it has changed, and not whenever the connection has something to do.
        let mut end = FuturesUnordered::from_iter([end]);
        let ended = tokio::select! {
            biased;
            ended = connection.as_mut() => ended,
            Some(leave) = end.next() => {
                let grace = match leave {
                    Leave::Overdue => {
                        self.limited(address, streams::SLOW);
                        return;
                    }
                    // The listener's drain has its own deadline.
                    Leave::Shutdown => Duration::MAX,
                    Leave::Age => self.limits.drain_timeout,
                    Leave::Blocked => {
                        self.refused(address, BLOCKED);
                        REFUSED_GRACE.min(self.limits.drain_timeout)
                    }
                    Leave::Refused(refusal) => {
                        self.refused(address, refusal.reason());
                        REFUSED_GRACE.min(self.limits.drain_timeout)
                    }
                };
                connection.as_mut().graceful_shutdown();
                timeout(grace, connection).await.unwrap_or(Ok(()))
            }
        };
        let asked = http1.borrow().is_some();
        let reason = match ended {
            Err(error) => {
                tracing::debug!(%address, error, "connection ended");
                abuse(&*error, asked)
            }
            // hyper takes what its guard closed before a first byte for a peer that left.
            Ok(()) => (!http2 && !asked && begun.elapsed() >= patience).then_some(closing::SILENT),
        };
        if reason == Some(closing::FLOOD) {
            self.addresses.penalise(address.ip(), penalty);
        }
        if let Some(reason) = reason {
            self.limited(address, reason);
        }
    }

    /// When and why the connection must end. tonic's age sends no GOAWAY in the released version,
    /// and its grace closes hard (<https://github.com/grpc/grpc-rust/pull/2449>).
    async fn leave(
        &self,
        (socket, address): (SocketAddr, SocketAddr),
        own: Option<&CertificateDer<'_>>,
        peer: Option<&CertificateDer<'_>>,
        shutdown: &CancellationToken,
    ) -> Leave {
        let jitter = rand::random_range(0.9..1.1);
        tokio::select! {
            () = shutdown.cancelled() => Leave::Shutdown,
            () = sleep(self.limits.connection_age.mul_f64(jitter)) => Leave::Age,
            // The proxy and whom it speaks for.
            () = self.limits.networks.refused(socket.ip()) => Leave::Blocked,
            () = self.limits.networks.refused(address.ip()) => Leave::Blocked,
            refusal = self.transport.ended(own, peer) => Leave::Refused(refusal),
        }
    }

    /// From a socket to a known peer.
    async fn accept(
        &self,
        stream: TcpStream,
        address: SocketAddr,
    ) -> Option<(Accepted, SocketAddr, Place)> {
        // Small answers must not wait for one another (Nagle's algorithm).
        let _ = stream.set_nodelay(true);
        let accepting = self.identify(stream, address);
        match timeout(self.limits.handshake_timeout, accepting).await {
            Ok(accepted) => accepted,
            Err(_) => {
                self.refused(address, "handshake_timeout");
                None
            }
        }
    }

    async fn identify(
        &self,
        mut stream: TcpStream,
        mut address: SocketAddr,
    ) -> Option<(Accepted, SocketAddr, Place)> {
        self.admit(address)?;
        if within(&self.limits.trusted_proxies, address.ip()) {
            match proxy::client(&mut stream, address).await {
                Ok(client) => {
                    address = client;
                    self.admit(address)?;
                }
                Err(error) => {
                    tracing::warn!(%address, %error, "a trusted proxy does not say whom it speaks for");
                    self.refused(address, "no_proxy_header");
                    return None;
                }
            }
        }
        let Some(place) = self.addresses.enter(address.ip()) else {
            self.limited(address, "too_many_connections");
            return None;
        };
        match self.addresses.penalty(address.ip()) {
            Some(Penalty::Refused) => {
                self.limited(address, "flooded_before");
                return None;
            }
            // Not all at once.
            Some(Penalty::Delayed(wait)) => {
                let wait = wait.min(self.limits.handshake_timeout / 2);
                sleep(wait.mul_f64(rand::random_range(0.5..1.5))).await;
            }
            None => {}
        }
        match self
            .transport
            .accept(stream, address.ip(), &self.handshakes)
            .await
        {
            Ok(accepted) => Some((accepted, address, place)),
            Err(Failure::Refused(refusal)) => {
                self.refused(address, refusal.reason());
                None
            }
            Err(Failure::Busy) => {
                self.limited(address, "too_many_handshakes");
                None
            }
            Err(Failure::Lost(error)) => {
                tracing::debug!(%address, %error, "handshake broken off");
                None
            }
        }
    }

    /// None when nothing is taken from there: it costs a look-up, and neither a place nor a handshake.
    fn admit(&self, address: SocketAddr) -> Option<()> {
        let admitted = self.limits.networks.admit(address.ip());
        if !admitted {
            self.refused(address, BLOCKED);
        }
        admitted.then_some(())
    }

    fn refused(&self, address: SocketAddr, reason: &'static str) {
        self.events
            .emit(&SecurityEvent::PeerRefused { address, reason });
    }

    fn limited(&self, address: SocketAddr, reason: &'static str) {
        self.events
            .emit(&SecurityEvent::PeerLimited { address, reason });
    }
}
