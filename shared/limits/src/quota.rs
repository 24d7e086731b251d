//! So many in a window, spent from leases.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use strata_config::Rate;
use tokio::sync::Mutex;

use crate::{
    redis::{Away, Redis},
    refused::{Refused, seconds},
};

/// A lease is this part of the quota: what a replica holds and does not spend is lost to the others
/// until the window ends.
const PARTS: u32 = 100;

/// What is told where no lease came about: a defect, and no open door.
const BROKEN: Duration = Duration::from_secs(1);

/// `requests` in each window of `per`, which begins with the first of them. With a [`Redis`] the
/// window is that of all replicas. They take leases of a hundredth from it, so that it is asked once
/// for many requests. Never more than the quota is handed out.
///
/// Without it, or while it is away, this process counts alone: in the second case only up to a share
/// of the quota, however often it goes and comes back within a window.
pub struct Quota {
    rate: Rate,
    shared: Option<Shared>,
    lease: ArcSwap<Lease>,
    /// Held by whoever gets the next lease; others wait for it.
    own: Mutex<Window>,
}

struct Shared {
    redis: Arc<Redis>,
    key: String,
}

/// What this process counts by itself.
struct Window {
    ends: Instant,
    left: u32,
}

/// What may be spent without asking.
pub(crate) struct Lease {
    /// Until when.
    pub(crate) ends: Instant,
    pub(crate) left: AtomicU32,
    /// What could be leased beyond, when this one was.
    pub(crate) rest: u32,
    /// The end of this process's own window that it is of; none of another's.
    window: Option<Instant>,
}

/// What is left after a request, for its sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    /// Requests; at least those in this process's own hands.
    pub requests: u32,
    /// Whole seconds until the window ends.
    pub seconds: u64,
}

impl Quota {
    /// A quota of this process alone.
    #[must_use]
    pub fn of_this_process(rate: Rate) -> Self {
        Self::new(rate, None)
    }

    /// A quota shared with all who name it `key` in the same Redis.
    #[must_use]
    pub fn shared(rate: Rate, redis: Arc<Redis>, key: String) -> Self {
        Self::new(rate, Some(Shared { redis, key }))
    }

    fn new(rate: Rate, shared: Option<Shared>) -> Self {
        let now = Instant::now();
        Self {
            rate,
            shared,
            lease: ArcSwap::from_pointee(Lease::of(0, 0, now)),
            own: Mutex::new(Window { ends: now, left: 0 }),
        }
    }

    /// Takes one. Almost always at once: Redis is asked for a lease, not for a request.
    ///
    /// # Errors
    /// [`Refused`] when the quota is used up.
    pub async fn take(self: &Arc<Self>) -> Result<Left, Refused> {
        if let Some(taken) = self.lease.load().take(Instant::now()) {
            return taken;
        }
        let this = Arc::clone(self);
        // A task of its own: a caller that goes away must not take a whole lease with it.
        let renewing = tokio::spawn(async move { this.renew().await });
        renewing.await.unwrap_or(Err(Refused { wait: BROKEN }))
    }

    async fn renew(&self) -> Result<Left, Refused> {
        let mut own = self.own.lock().await;
        let now = Instant::now();
        // Whoever waited for another's lease finds it here.
        if let Some(taken) = self.lease.load().take(now) {
            return taken;
        }
        let lease = self.next(&mut own).await;
        // By the time before it was asked for: a lease is good for at least the one who asked. Yet no
        // window is longer than it is.
        let start = lease.ends.checked_sub(self.rate.per);
        let taken = lease.take(start.map_or(now, |start| start.max(now)));
        self.lease.store(Arc::new(lease));
        taken.unwrap_or(Err(Refused { wait: BROKEN }))
    }

    async fn next(&self, own: &mut Window) -> Lease {
        let part = (self.rate.requests / PARTS).max(1);
        let Some(shared) = &self.shared else {
            return own.lease(self.rate.requests, self.rate.requests, self.rate.per, None);
        };
        match shared.redis.lease(&shared.key, part, self.rate).await {
            Ok(lease) => lease,
            Err(Away { until }) => {
                let most = shared.redis.share_of(self.rate.requests);
                own.take_back(&self.lease.load());
                own.lease(part, most, self.rate.per, Some(until))
            }
        }
    }
}

impl Window {
    /// What is left of a lease of this window: it ended only so that Redis is asked again.
    fn take_back(&mut self, lease: &Lease) {
        if lease.window == Some(self.ends) {
            self.left += lease.left.swap(0, Ordering::Relaxed);
        }
    }

    /// A lease of at most `part` of this process's own window, which is renewed at its end with
    /// `most`.
    fn lease(&mut self, part: u32, most: u32, per: Duration, until: Option<Instant>) -> Lease {
        let now = Instant::now();
        if self.ends <= now {
            *self = Self {
                ends: now + per,
                left: most,
            };
        }
        let granted = part.min(self.left);
        self.left -= granted;
        let ends = until.map_or(self.ends, |until| until.min(self.ends));
        Lease {
            window: Some(self.ends),
            ..Lease::of(granted, self.left, ends)
        }
    }
}

impl Lease {
    pub(crate) const fn of(granted: u32, rest: u32, ends: Instant) -> Self {
        Self {
            ends,
            left: AtomicU32::new(granted),
            rest,
            window: None,
        }
    }

    /// Takes one; none when another lease is to be had.
    fn take(&self, now: Instant) -> Option<Result<Left, Refused>> {
        let wait = self
            .ends
            .checked_duration_since(now)
            .filter(|wait| !wait.is_zero())?;
        let taken = self
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(1)
            });
        match taken {
            Ok(before) => Some(Ok(Left {
                requests: (before - 1).saturating_add(self.rest),
                seconds: seconds(wait),
            })),
            Err(_) if self.rest == 0 => Some(Err(Refused { wait })),
            Err(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_lease_does_not_spend_is_not_lost_to_its_own_window() {
        let per = Duration::from_secs(3600);
        let ends = Instant::now() + per;
        let mut own = Window { ends, left: 10 };
        for spent in 1..=10 {
            let lease = own.lease(4, 10, per, Some(Instant::now() + Duration::from_secs(1)));
            assert!(lease.take(Instant::now()).unwrap().is_ok(), "{spent}");
            own.take_back(&lease);
            assert_eq!(own.left, 10 - spent);
        }
        // Redis's is not this process's to have back.
        own.take_back(&Lease::of(5, 0, ends));
        assert_eq!(own.left, 0);
    }

    #[tokio::test]
    async fn a_window_has_its_quota_and_no_more() {
        let rate = Rate {
            requests: 250,
            per: Duration::from_secs(3600),
        };
        let quota = Arc::new(Quota::of_this_process(rate));
        for left in (0..250).rev() {
            let taken = quota.take().await.unwrap();
            assert_eq!(taken.requests, left);
            assert!(taken.seconds <= 3600);
        }
        for _ in 0..3 {
            let refused = quota.take().await.unwrap_err();
            assert!(refused.wait <= rate.per && refused.seconds() > 3000);
        }
    }

    #[tokio::test]
    async fn the_next_window_begins_anew() {
        let rate = Rate {
            requests: 2,
            per: Duration::from_millis(30),
        };
        let quota = Arc::new(Quota::of_this_process(rate));
        assert!(quota.take().await.is_ok() && quota.take().await.is_ok());
        let refused = quota.take().await.unwrap_err();
        tokio::time::sleep(refused.wait).await;
        assert!(quota.take().await.is_ok());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn many_at_once_get_no_more() {
        let rate = Rate {
            requests: 1_000,
            per: Duration::from_secs(3600),
        };
        let quota = Arc::new(Quota::of_this_process(rate));
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let quota = Arc::clone(&quota);
            tasks.spawn(async move {
                let mut answered = 0;
                for _ in 0..500 {
                    answered += u32::from(quota.take().await.is_ok());
                }
                answered
            });
        }
        assert_eq!(tasks.join_all().await.into_iter().sum::<u32>(), 1_000);
    }
}
