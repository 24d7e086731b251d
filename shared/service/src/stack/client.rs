//! Outbound: what every call to another service goes through.

use strata_config::Expires;
use strata_core::Method;
use strata_middleware::{
    BreakerLayer, ExemptionLayer, OutboundLayer, OutcomeLayer, RetryLayer, breaker::Break,
    exemption::UntilExpired, outbound::Outbound, outcome::Outcome, retry::Retry,
};
use strata_net::Channel;
use strata_telemetry::{Events, UpstreamMetrics};
use tower::ServiceBuilder;

/// See [`client`].
pub(crate) type ClientStack = UntilExpired<Outbound<Outcome<Break<Retry<Channel>>>>>;

/// The client stack of one contract over a channel of shared/net, which pins the callee's SPIFFE ID.
pub(crate) fn client(
    upstream: &'static str,
    methods: &'static [Method],
    exemption: Option<(Expires, Events)>,
    metrics: &UpstreamMetrics,
    channel: Channel,
) -> ClientStack {
    ServiceBuilder::new()
        // Outermost: what an exemption does not let through any more costs nothing.
        .layer(ExemptionLayer::new(upstream, exemption))
        // User, remaining time and trace of the call being served; without them nothing is sent.
        // Outside everything else, so that the deadline holds for all of it.
        .layer(OutboundLayer)
        // Outside what can refuse or fail, so that it counts both, and each call once.
        .layer(OutcomeLayer::new(metrics.clone()))
        // Outside the retries: while the upstream fails, not even a first try is made.
        .layer(BreakerLayer::new(upstream, metrics.clone()))
        // What failed on its way goes to another connection, where that can do no harm.
        .layer(RetryLayer::new(methods, metrics.clone()))
        .service(channel)
}
