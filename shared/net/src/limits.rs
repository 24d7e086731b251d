//! What one listener takes on.

use std::time::Duration;

use ipnet::IpNet;

use crate::networks::Networks;

/// Limits of one listener.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Open connections; further ones wait in the backlog of the operating system.
    pub connections: usize,
    /// Open connections of one address (IPv6: of one /64 network); further ones are closed.
    pub connections_per_address: usize,
    /// TLS handshakes computed at the same time.
    pub handshakes: usize,
    /// TLS handshakes of one address a second, and a fifth of them at once; further ones wait for half of
    /// the handshake timeout.
    pub handshakes_per_address: u32,
    /// From accepting a connection to the end of its TLS handshake.
    pub handshake_timeout: Duration,
    /// Requests at the same time on one HTTP/2 connection.
    pub concurrent_streams: u32,
    /// For the first bytes of a connection, and for each HTTP/1.1 request head.
    pub header_timeout: Duration,
    /// From a request's head to the last byte of its answer, however slowly either side goes.
    pub exchange_timeout: Duration,
    /// How long a connection is used before its peer is asked to make a new one; each has up to a
    /// tenth more or less, so that they do not all come back at once.
    pub connection_age: Duration,
    /// From asking peers to leave until what is still open is aborted.
    pub drain_timeout: Duration,
    /// Proxies that must say by the PROXY protocol whom they speak for. Nobody else may.
    pub trusted_proxies: Vec<IpNet>,
    /// HTTP proxies, whose connections carry what many clients ask: what one of these does is not held
    /// against the others.
    pub http_proxies: Vec<IpNet>,
    /// From where connections are taken: asked of the peer, and again of whom a trusted proxy speaks for.
    pub networks: Networks,
}
