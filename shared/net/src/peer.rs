//! Who is at the other end of a connection.

use std::net::SocketAddr;

use strata_core::SpiffeId;

/// The peer of the connection a request came over; stands in every request's extensions.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Where it connected from.
    pub address: SocketAddr,
    /// Its verified identity; none at the edge and on plain listeners.
    pub id: Option<SpiffeId>,
    /// At the edge, the SHA-256 of the certificate whose key it has shown to hold, if it presented one
    /// (RFC 8705, section 3.1). It says who holds a token, and nothing of who anybody is.
    pub certificate: Option<[u8; 32]>,
}
