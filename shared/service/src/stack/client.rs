//! Outbound: what every call to another service goes through.

use strata_middleware::{OutboundLayer, outbound::Outbound};
use tonic::transport::Channel;
use tower::ServiceBuilder;

/// See [`client`].
pub(crate) type ClientStack = Outbound<Channel>;

/// The client stack over a channel of shared/net, which pins the callee's SPIFFE ID.
pub(crate) fn client(channel: Channel) -> ClientStack {
    ServiceBuilder::new()
        // User, remaining time and trace of the call being served; without them nothing is sent.
        .layer(OutboundLayer)
        .service(channel)
}
