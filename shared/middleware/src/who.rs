//! Whom a security event is about, as far as the layers have found out where it is emitted.

use std::sync::Arc;

use http::Extensions;
use strata_core::Caller;
use strata_net::Peer;
use strata_policy::Consumer;
use strata_telemetry::Who;

/// Whom the request is from.
pub(crate) fn who(extensions: &Extensions) -> Who<'_> {
    let caller = match extensions.get::<Caller>() {
        Some(Caller::Workload(id)) => Some(id.as_str()),
        Some(Caller::Edge) | None => {
            let consumer = extensions.get::<Arc<Consumer>>();
            consumer.map(|consumer| &*consumer.client_id)
        }
    };
    Who {
        user: extensions.get(),
        caller,
        address: extensions.get::<Peer>().map(|peer| peer.address),
    }
}
