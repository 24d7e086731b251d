//! Whose turn a TLS handshake is. One costs a server about as much as a request, and whoever is cut
//! off, or leaves, can ask for the next at once.

use std::{net::IpAddr, num::NonZeroU32, sync::Arc, time::Duration};

use governor::{DefaultDirectRateLimiter, Quota};
use moka::sync::Cache;
use tokio::{
    sync::{Mutex, Semaphore, SemaphorePermit},
    task::yield_now,
    time::timeout,
};

use crate::{addresses::network, limits::Limits};

/// Addresses whose pace is remembered, and how long: after a second without a handshake there is
/// nothing to remember.
const ADDRESSES: u64 = 10_000;
const REMEMBERED: Duration = Duration::from_secs(2);

/// What may come at once is this part of what may come in a second: what follows on a handshake, such
/// as a request, comes at once too.
const BURST: u32 = 5;

/// Lets handshakes be computed in turn: so many at once, and so many a second of one address.
pub(crate) struct Handshakes {
    at_once: Semaphore,
    quota: Quota,
    paces: Cache<IpAddr, Arc<Pace>>,
    patience: Duration,
}

/// The handshakes of one address. The first that waits asks for the rate, the others wait for it: all
/// asking would wake all of them each time.
struct Pace {
    queue: Mutex<()>,
    rate: DefaultDirectRateLimiter,
}

impl Handshakes {
    pub(crate) fn new(limits: &Limits) -> Self {
        let number = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        let rate = limits.handshakes_per_address;
        Self {
            at_once: Semaphore::new(limits.handshakes),
            quota: Quota::per_second(number(rate)).allow_burst(number(rate / BURST)),
            paces: Cache::builder()
                .max_capacity(ADDRESSES)
                .time_to_idle(REMEMBERED)
                .build(),
            // What is left is for the handshake itself.
            patience: limits.handshake_timeout / 2,
        }
    }

    /// Waits for the turn of a handshake with `address`, which lasts until the permit is dropped; none
    /// when it has so many that this one's would not come in time.
    pub(crate) async fn turn(&self, address: IpAddr) -> Option<SemaphorePermit<'_>> {
        let pace = self.paces.get_with(network(address), || {
            let rate = DefaultDirectRateLimiter::direct(self.quota);
            Arc::new(Pace {
                queue: Mutex::default(),
                rate,
            })
        });
        let in_turn = async {
            let _first = pace.queue.lock().await;
            pace.rate.until_ready().await;
        };
        timeout(self.patience, in_turn).await.ok()?;
        let slot = self.at_once.acquire().await.ok()?;
        // To the end of the queue: what is computed next must not all stand before the requests.
        yield_now().await;
        Some(slot)
    }
}
