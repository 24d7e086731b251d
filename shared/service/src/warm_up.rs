//! Connections made before the first request needs them.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::future::join_all;
use strata_net::Channel;
use tokio::time::timeout;

/// How long a service waits for those it calls before it says that it is ready. Longer would let an
/// outage below keep services above from starting, in whatever order they are started.
const PATIENCE: Duration = Duration::from_secs(2);

/// The channels a service was built with.
#[derive(Clone, Default)]
pub(crate) struct Channels(Arc<Mutex<Vec<Channel>>>);

impl Channels {
    pub(crate) fn add(&self, channel: Channel) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(channel);
    }

    /// Completes when all are connected, or it takes too long: then they go on trying.
    pub(crate) async fn warm_up(self) {
        let channels = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let connected = channels.iter().map(Channel::connected);
        if timeout(PATIENCE, join_all(connected)).await.is_err() {
            tracing::warn!("not every upstream can be reached: ready all the same");
        }
    }
}
