//! Refuses calls to an upstream that fails most of them, so that callers hear at once what they
//! would hear at their deadline, and the upstream has room to recover.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use futures_util::future::{Either, MapErr, Ready, TryFutureExt as _, ready};
use http::Response;
use strata_net::{CallError, Outgoing};
use strata_telemetry::UpstreamMetrics;
use tower::{Layer, Service};

use crate::ending::{Ending, Watch, Watched};

/// It opens when at least half of the calls of the last ten seconds failed, and at least so many; or
/// of the last second or two, where there are more.
const LEAST: u64 = 10;
const LEAST_RECENT: u64 = 20;

/// Seconds looked back on.
const WINDOW: u64 = 10;
const RECENT: u64 = 2;

/// How long no call goes through, and then one: short, so that an upstream that is back is used
/// again at once.
const OPEN: Duration = Duration::from_millis(500);

/// Breaks the way to one upstream.
#[derive(Clone, Debug)]
pub struct BreakerLayer {
    breaker: Arc<Breaker>,
}

impl BreakerLayer {
    /// A breaker for `upstream`.
    #[must_use]
    pub fn new(upstream: &'static str, metrics: UpstreamMetrics) -> Self {
        let breaker = Arc::new(Breaker {
            upstream,
            metrics,
            begun: Instant::now(),
            seconds: Default::default(),
            until: AtomicU64::new(CLOSED),
        });
        Self { breaker }
    }
}

impl<S> Layer<S> for BreakerLayer {
    type Service = Break<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Break {
            breaker: Arc::clone(&self.breaker),
            inner,
        }
    }
}

/// See [`BreakerLayer`].
#[derive(Clone, Debug)]
pub struct Break<S> {
    breaker: Arc<Breaker>,
    inner: S,
}

/// Why a call behind a breaker has no answer.
#[derive(Debug, thiserror::Error)]
pub enum BreakerError {
    /// It was refused.
    #[error("calls to the service fail: none is sent for a moment")]
    Open,
    /// It was sent.
    #[error(transparent)]
    Failed(CallError),
}

type Sent<F> = MapErr<Watched<F, Probe, CallError>, fn(CallError) -> BreakerError>;

impl<S, B> Service<Outgoing> for Break<S>
where
    S: Service<Outgoing, Response = Response<B>, Error = CallError>,
{
    type Response = S::Response;
    type Error = BreakerError;
    type Future = Either<Sent<S::Future>, Ready<Result<Response<B>, BreakerError>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BreakerError>> {
        self.inner.poll_ready(cx).map_err(BreakerError::Failed)
    }

    fn call(&mut self, outgoing: Outgoing) -> Self::Future {
        let Some(probe) = self.breaker.admit() else {
            self.breaker.metrics.refused_by_breaker();
            return Either::Right(ready(Err(BreakerError::Open)));
        };
        let deadline = outgoing.deadline;
        let call = Watched::new(self.inner.call(outgoing), deadline, probe);
        Either::Left(call.map_err(BreakerError::Failed))
    }
}

/// The end of a breaker that is not open.
const CLOSED: u64 = 0;

/// Outcomes and what follows from them. Every call reads and writes it, so it has no lock.
struct Breaker {
    upstream: &'static str,
    metrics: UpstreamMetrics,
    begun: Instant,
    seconds: [AtomicU64; WINDOW as usize],
    /// Milliseconds from `begun` until the next call goes through.
    until: AtomicU64,
}

impl fmt::Debug for Breaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Breaker")
            .field("upstream", &self.upstream)
            .finish_non_exhaustive()
    }
}

/// One call that was let through.
#[derive(Debug)]
pub struct Probe {
    breaker: Arc<Breaker>,
    is_alone: bool,
}

impl Breaker {
    fn now(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Lets a call through: any while closed, one at a time when it was open for long enough.
    fn admit(self: &Arc<Self>) -> Option<Probe> {
        let until = self.until.load(Ordering::Relaxed);
        let is_alone = until != CLOSED;
        if is_alone {
            let now = self.now();
            // Whoever sets the end anew is the one; should nothing come of it, there is a next.
            if now < until || !self.moves(until, now + millis(OPEN)) {
                return None;
            }
        }
        Some(Probe {
            breaker: Arc::clone(self),
            is_alone,
        })
    }

    fn moves(&self, from: u64, to: u64) -> bool {
        self.until
            .compare_exchange(from, to, Ordering::Relaxed, Ordering::Relaxed)
            .is_ok()
    }

    /// Counts an outcome; whether it is one too many.
    fn count(&self, is_failure: bool) -> bool {
        let second = self.now() / 1000;
        if let Some(slot) = self.seconds.get(index(second)) {
            // One writer more or less in the second when a slot is taken anew is no matter.
            let _ = slot.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |it| {
                Some(Second::read(it, second).and(is_failure).write())
            });
        }
        is_failure
            && (self.is_failing(second, WINDOW, LEAST)
                || self.is_failing(second, RECENT, LEAST_RECENT))
    }

    /// Whether half of at least so many calls failed in the seconds up to this one.
    fn is_failing(&self, now: u64, seconds: u64, least: u64) -> bool {
        let (mut calls, mut failures) = (0, 0);
        for second in (now + 1).saturating_sub(seconds)..=now {
            let slot = self.seconds.get(index(second));
            let it = Second::read(slot.map_or(0, |it| it.load(Ordering::Relaxed)), second);
            calls += it.calls;
            failures += it.failures;
        }
        calls >= least && failures * 2 >= calls
    }

    fn open(&self, error: &dyn fmt::Display) {
        let until = self.now() + millis(OPEN);
        if self.moves(CLOSED, until) {
            self.metrics.breaker(true);
            let upstream = self.upstream;
            tracing::warn!(upstream, %error, "most calls to an upstream fail: none is sent but one at a time");
        }
    }

    fn close(&self) {
        for second in &self.seconds {
            second.store(0, Ordering::Relaxed);
        }
        if self.until.swap(CLOSED, Ordering::Relaxed) != CLOSED {
            self.metrics.breaker(false);
            tracing::info!(
                upstream = self.upstream,
                "calls to an upstream are sent again"
            );
        }
    }
}

impl Watch<CallError> for Probe {
    fn ended(&mut self, ending: Ending<'_, CallError>) {
        let failure: &dyn fmt::Display = match &ending {
            Ending::Missed => &"deadlines were missed",
            Ending::Failed(error) => match error {
                // Told at once as it is, and not by the callee.
                CallError::Unreachable | CallError::Overloaded => return,
                CallError::Unprocessed { .. } | CallError::Lost { .. } => error,
            },
            // UNAVAILABLE too: it may be an upstream of its own that failed, and its other methods are
            // well.
            Ending::Answered(_) => {
                if self.is_alone {
                    self.breaker.close();
                } else {
                    self.breaker.count(false);
                }
                return;
            }
            Ending::Abandoned => return,
        };
        if !self.is_alone && self.breaker.count(true) {
            self.breaker.open(failure);
        }
    }
}

/// The outcomes of one second, in one word: its number, calls, failures.
struct Second {
    number: u64,
    calls: u64,
    failures: u64,
}

impl Second {
    const COUNT_BITS: u32 = 20;
    const MOST: u64 = (1 << Self::COUNT_BITS) - 1;
    const NUMBERS: u64 = (1 << (64 - 2 * Self::COUNT_BITS)) - 1;

    /// What was counted in this second, if the word is of it.
    const fn read(word: u64, number: u64) -> Self {
        let number = number & Self::NUMBERS;
        let is_of_it = word >> (2 * Self::COUNT_BITS) == number;
        Self {
            number,
            calls: if is_of_it {
                word >> Self::COUNT_BITS & Self::MOST
            } else {
                0
            },
            failures: if is_of_it { word & Self::MOST } else { 0 },
        }
    }

    const fn and(self, is_failure: bool) -> Self {
        if self.calls == Self::MOST {
            return self;
        }
        Self {
            calls: self.calls + 1,
            failures: self.failures + is_failure as u64,
            ..self
        }
    }

    const fn write(&self) -> u64 {
        self.number << (2 * Self::COUNT_BITS) | self.calls << Self::COUNT_BITS | self.failures
    }
}

const fn index(second: u64) -> usize {
    (second % WINDOW) as usize
}

const fn millis(duration: Duration) -> u64 {
    duration.as_millis() as u64
}
