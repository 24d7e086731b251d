//! Outbound: what every call to another service goes through.

use strata_middleware::{OutboundLayer, ResendLayer, outbound::Outbound, resend::Resend};
use strata_net::Channel;
use tower::ServiceBuilder;

/// See [`client`].
pub(crate) type ClientStack = Outbound<Resend<Channel>>;

/// The client stack over a channel of shared/net, which pins the callee's SPIFFE ID.
pub(crate) fn client(channel: Channel) -> ClientStack {
    ServiceBuilder::new()
        // User, remaining time and trace of the call being served; without them nothing is sent.
        .layer(OutboundLayer)
        // A call that met a connection being left was not processed: it goes to the next one.
        .layer(ResendLayer)
        .service(channel)
}
