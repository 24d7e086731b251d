//! When an endpoint that is connected is left out all the same.

use std::{
    sync::atomic::{AtomicU8, AtomicU32, Ordering},
    time::{Duration, Instant},
};

/// Failures without an answer in between.
const FAILURES: u32 = 5;

/// For how long, the first time and at most; twice as long each time.
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(30);

/// After so long without another ejection it counts as the first again.
const FORGOTTEN: Duration = Duration::from_secs(60);

const SERVING: u8 = 0;
const EJECTED: u8 = 1;
const TRIAL: u8 = 2;
const TRIED: u8 = 3;

/// What calls find out about an endpoint. Read and written by every call, so without a lock.
#[derive(Debug, Default)]
pub(super) struct Health {
    failures: AtomicU32,
    state: AtomicU8,
}

impl Health {
    /// Whether the call brought the endpoint back.
    pub(super) fn succeeded(&self) -> bool {
        if self.failures.load(Ordering::Relaxed) != 0 {
            self.failures.store(0, Ordering::Relaxed);
        }
        self.state.load(Ordering::Relaxed) == TRIED && self.moves(TRIED, SERVING)
    }

    /// Whether the endpoint is to be ejected for it, unless it is the last; and whether this is the
    /// first failure in a row.
    pub(super) fn failed(&self) -> (bool, bool) {
        let failures = self.failures.fetch_add(1, Ordering::Relaxed) + 1;
        let is_bad = match self.state.load(Ordering::Relaxed) {
            SERVING => failures.is_multiple_of(FAILURES),
            TRIED => true,
            _ => false,
        };
        (is_bad, failures == 1)
    }

    pub(super) fn eject(&self) {
        self.state.store(EJECTED, Ordering::Relaxed);
    }

    /// Its time is over: one call may try it.
    pub(super) fn end(&self) {
        self.moves(EJECTED, TRIAL);
    }

    pub(super) fn is_ejected(&self) -> bool {
        self.state.load(Ordering::Relaxed) == EJECTED
    }

    pub(super) fn is_serving(&self) -> bool {
        self.state.load(Ordering::Relaxed) == SERVING
    }

    pub(super) fn is_on_trial(&self) -> bool {
        self.state.load(Ordering::Relaxed) == TRIAL
    }

    /// Whether the caller is the one to try it.
    pub(super) fn try_it(&self) -> bool {
        self.moves(TRIAL, TRIED)
    }

    /// The call that tried it came to nothing, neither well nor badly.
    pub(super) fn untried(&self) {
        self.moves(TRIED, TRIAL);
    }

    fn moves(&self, from: u8, to: u8) -> bool {
        let moved = self
            .state
            .compare_exchange(from, to, Ordering::Relaxed, Ordering::Relaxed);
        moved.is_ok()
    }
}

/// How often an endpoint was ejected.
#[derive(Debug, Default)]
pub(super) struct Ejections {
    count: u32,
    until: Option<Instant>,
}

impl Ejections {
    /// One more, and how long it lasts.
    pub(super) fn next(&mut self, now: Instant) -> Duration {
        if self.until.is_none_or(|until| now > until + FORGOTTEN) {
            self.count = 0;
        }
        let lasts = SHORTEST
            .saturating_mul(1 << self.count.min(16))
            .min(LONGEST);
        self.count += 1;
        self.until = Some(now + lasts);
        lasts
    }

    /// When the last one ends or has ended.
    pub(super) const fn until(&self) -> Option<Instant> {
        self.until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_in_a_row_eject_and_one_call_tries_it_again() {
        let health = Health::default();
        for _ in 1..FAILURES {
            assert!(!health.failed().0);
        }
        assert!(!health.succeeded());
        for _ in 1..FAILURES {
            assert!(!health.failed().0);
        }
        assert!(health.failed().0);
        health.eject();
        assert!(health.is_ejected() && !health.try_it());
        health.end();
        assert!(health.try_it() && !health.try_it());
        assert!(health.failed().0, "one failure is enough for one on trial");
        health.eject();
        health.end();
        assert!(health.try_it() && health.succeeded() && health.is_serving());
    }

    #[test]
    fn each_ejection_lasts_longer_until_it_is_forgotten() {
        let mut ejections = Ejections::default();
        let begun = Instant::now();
        let mut lasts: Vec<_> = (0..7).map(|_| ejections.next(begun)).collect();
        lasts.push(ejections.next(begun + LONGEST + FORGOTTEN * 2));
        let seconds: Vec<_> = lasts.iter().map(Duration::as_secs).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 30, 30, 1]);
    }
}
