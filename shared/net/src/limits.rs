//! What one listener takes on.

use std::time::Duration;

/// Limits of one listener.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Open connections; further ones wait in the backlog of the operating system.
    pub connections: usize,
    /// TLS handshakes computed at the same time.
    pub handshakes: usize,
    /// From accepting a connection to the end of its TLS handshake.
    pub handshake_timeout: Duration,
    /// Requests at the same time on one HTTP/2 connection.
    pub concurrent_streams: u32,
    /// For the first bytes of a connection, and for each HTTP/1.1 request head.
    pub header_timeout: Duration,
    /// From the shutdown signal until what is still open is aborted.
    pub drain_timeout: Duration,
}
