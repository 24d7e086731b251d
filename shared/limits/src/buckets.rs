//! A rate for everybody, each on their own.

use std::{
    hash::{BuildHasher as _, Hash, RandomState},
    num::NonZeroU32,
    sync::atomic::{AtomicU64, Ordering},
};

use governor::{
    DefaultDirectRateLimiter, Quota, RateLimiter,
    clock::{Clock as _, DefaultClock, Reference as _},
    middleware::StateInformationMiddleware,
};
use strata_config::Rate;

use crate::{refused::Refused, store::Store};

/// Between two looks for identities that have been idle for so long that nothing is held against
/// them. Each look is at a sixty-fourth of them.
const CLEANING: u64 = 10_000_000;

/// Token buckets (GCRA, <https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm>) by identity, of
/// a bounded number of identities. A decision takes the same time however many there are.
pub struct Buckets {
    limiter: RateLimiter<u64, Store, DefaultClock>,
    clock: DefaultClock,
    start: <DefaultClock as governor::clock::Clock>::Instant,
    /// Identities are remembered by a hash with a key of this process: a user's id is not kept, and
    /// nobody outside can aim at somebody else's bucket.
    hasher: RandomState,
    /// Nanoseconds after the start.
    cleaned: AtomicU64,
}

impl Buckets {
    /// `rate` for each of the first `most` identities, and `rate` once for all others together. An
    /// identity that takes nothing for as long as its bucket needs to fill makes room.
    #[must_use]
    pub fn new(rate: Rate, most: usize) -> Self {
        let clock = DefaultClock::default();
        Self {
            limiter: RateLimiter::new(quota(rate), Store::new(most), clock.clone()),
            start: clock.now(),
            clock,
            hasher: RandomState::new(),
            cleaned: AtomicU64::new(0),
        }
    }

    /// Takes one for `identity`. Allocates nothing but the room for a new identity.
    ///
    /// # Errors
    /// [`Refused`] when its bucket is empty.
    pub fn take(&self, identity: &(impl Hash + ?Sized)) -> Result<(), Refused> {
        self.clean();
        let key = self.hasher.hash_one(identity);
        self.limiter.check_key(&key).map_err(|until| Refused {
            wait: until.wait_time_from(self.clock.now()),
        })
    }

    /// How many identities are remembered.
    #[must_use]
    pub fn identities(&self) -> usize {
        self.limiter.len()
    }

    fn clean(&self) {
        let now = self.clock.now().duration_since(self.start).as_u64();
        let last = self.cleaned.load(Ordering::Relaxed);
        let due = now.saturating_sub(last) > CLEANING;
        // Whoever is first does it.
        let claim = |last| {
            self.cleaned
                .compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed)
        };
        if due && claim(last).is_ok() {
            self.limiter.retain_recent();
        }
    }
}

/// One bucket, which also tells what is left in it.
pub struct Bucket {
    limiter: DefaultDirectRateLimiter<StateInformationMiddleware>,
    clock: DefaultClock,
}

impl Bucket {
    /// A full one.
    #[must_use]
    pub fn new(rate: Rate) -> Self {
        let limiter = RateLimiter::direct(quota(rate));
        Self {
            clock: limiter.clock().clone(),
            limiter: limiter.with_middleware(),
        }
    }

    /// Takes one, and says how many are left.
    ///
    /// # Errors
    /// [`Refused`] when it is empty.
    pub fn take(&self) -> Result<u32, Refused> {
        match self.limiter.check() {
            Ok(state) => Ok(state.remaining_burst_capacity()),
            Err(until) => Err(Refused {
                wait: until.wait_time_from(self.clock.now()),
            }),
        }
    }
}

/// The whole rate at once, then evenly. The configuration refuses a zero; were one to come this far,
/// it would be the least there is and no open door.
fn quota(rate: Rate) -> Quota {
    let requests = NonZeroU32::new(rate.requests).unwrap_or(NonZeroU32::MIN);
    Quota::with_period(rate.per / requests.get())
        .unwrap_or(Quota::per_hour(NonZeroU32::MIN))
        .allow_burst(requests)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn rate(requests: u32, per: Duration) -> Rate {
        Rate { requests, per }
    }

    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn each_identity_has_a_bucket_of_its_own() {
        let buckets = Buckets::new(rate(3, HOUR), 100);
        for _ in 0..3 {
            assert_eq!(buckets.take("one"), Ok(()));
        }
        let refused = buckets.take("one").unwrap_err();
        assert!(refused.wait <= HOUR / 3, "{refused}");
        assert!(refused.seconds() > 0);
        assert_eq!(buckets.take("other"), Ok(()));
    }

    #[test]
    fn a_bucket_fills_again() {
        let buckets = Buckets::new(rate(1, Duration::from_millis(20)), 100);
        assert_eq!(buckets.take("one"), Ok(()));
        let refused = buckets.take("one").unwrap_err();
        std::thread::sleep(refused.wait);
        assert_eq!(buckets.take("one"), Ok(()));
    }

    #[test]
    fn those_beyond_the_cap_share_one_bucket_and_push_nobody_out() {
        let buckets = Buckets::new(rate(2, HOUR), 64);
        assert_eq!(buckets.take(&0), Ok(()));
        let answered = (1..1_000_000).filter(|at| buckets.take(at).is_ok()).count();
        // Each of the first of a shard, and two of all others together.
        assert!(answered <= 64 + 2, "{answered}");
        assert_eq!(buckets.identities(), 64);
        // The first one has its own still.
        assert_eq!(buckets.take(&0), Ok(()));
        assert!(buckets.take(&0).is_err());
    }

    #[test]
    fn who_has_been_idle_makes_room() {
        let buckets = Buckets::new(rate(1, Duration::from_millis(1)), 64);
        for at in 0..10_000 {
            let _ = buckets.take(&at);
        }
        let full = buckets.identities();
        while buckets.identities() >= full {
            std::thread::sleep(Duration::from_millis(11));
            let _ = buckets.take(&0);
        }
    }

    #[test]
    fn a_bucket_says_what_is_left() {
        let bucket = Bucket::new(rate(2, HOUR));
        assert_eq!(bucket.take(), Ok(1));
        assert_eq!(bucket.take(), Ok(0));
        assert!(bucket.take().is_err());
    }
}
