//! The serving loop and the outbound connector: every socket of the estate.
//!
//! One loop for gRPC between services, for HTTPS at the edge and for plain HTTP on loopback. The
//! stock servers have no handshake deadline, no stream limit and no drain deadline; this one does.
//! Outward there is one way too: a [`channel`] to a service whose identity is pinned.

mod addresses;
mod channel;
mod closing;
mod connection;
mod connector;
mod error;
pub mod fetch;
mod frames;
mod guarded;
mod handshakes;
mod http;
mod limits;
mod networks;
mod peer;
pub mod proxy;
mod serve;
mod streams;
mod transport;
mod visitor;

pub use addresses::network;
pub use channel::{Answer, CallError, Callee, Calling, Channel, Outgoing, Payload, channel};
pub use error::NetError;
pub use limits::Limits;
pub use networks::{NetworkRules, Networks, within};
pub use peer::Peer;
pub use serve::{Drained, serve};
pub use transport::Transport;
pub use visitor::{Visit, Visitor};
