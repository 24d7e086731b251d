//! Sends a call again that failed on its way, when that cannot have a second effect: nobody acted
//! on it, or its method may be repeated. What the callee answered is an answer, whatever it says:
//! so retries of one layer do not multiply those of the next.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use strata_core::Method;
use strata_net::{CallError, Outgoing};
use strata_telemetry::UpstreamMetrics;
use tokio::time::{Sleep, sleep};
use tower::{Layer, Service};

use crate::deadline;

/// How often a call is sent again that nobody acted on: each time the connection is another one.
const RESENDS: u32 = 5;

/// How often a call is sent again that may have had its effect.
const RETRIES: u32 = 2;

/// Before a call is sent to an upstream that has just failed it, at least and twice as much at most;
/// twice as long each time.
const PAUSE: Duration = Duration::from_millis(5);

/// Sends calls again, for all clones within one budget.
#[derive(Clone, Debug)]
pub struct RetryLayer {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    methods: &'static [Method],
    budget: Budget,
    metrics: UpstreamMetrics,
}

impl RetryLayer {
    /// A layer for the methods of one contract.
    #[must_use]
    pub fn new(methods: &'static [Method], metrics: UpstreamMetrics) -> Self {
        let budget = Budget::default();
        Self {
            shared: Arc::new(Shared {
                methods,
                budget,
                metrics,
            }),
        }
    }
}

impl<S> Layer<S> for RetryLayer {
    type Service = Retry<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Retry {
            shared: Arc::clone(&self.shared),
            inner,
        }
    }
}

/// See [`RetryLayer`].
#[derive(Clone, Debug)]
pub struct Retry<S> {
    shared: Arc<Shared>,
    inner: S,
}

impl<S> Service<Outgoing> for Retry<S>
where
    S: Service<Outgoing, Error = CallError> + Clone + Unpin,
    S::Future: Unpin,
{
    type Response = S::Response;
    type Error = CallError;
    type Future = Retrying<S>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), CallError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, outgoing: Outgoing) -> Self::Future {
        self.shared.budget.deposit();
        let spare = outgoing.again();
        let state = State::Sent(self.inner.call(outgoing));
        Retrying {
            inner: self.inner.clone(),
            shared: Arc::clone(&self.shared),
            spare,
            resends: 0,
            retries: 0,
            state,
        }
    }
}

/// The future of a call that may be sent more than once.
pub struct Retrying<S: Service<Outgoing>> {
    inner: S,
    shared: Arc<Shared>,
    spare: Option<Outgoing>,
    resends: u32,
    retries: u32,
    state: State<S::Future>,
}

enum State<F> {
    Sent(F),
    Pausing(Pin<Box<Sleep>>),
    Ready,
}

impl<S> Retrying<S>
where
    S: Service<Outgoing, Error = CallError>,
{
    /// How to go on after a failure; none when it is over.
    fn next(&mut self, error: &CallError) -> Option<State<S::Future>> {
        let spare = self.spare.as_mut()?;
        let next = match error {
            // The connection is left, which is no failure: the next one is another.
            CallError::Unprocessed { source, .. } if self.resends < RESENDS => {
                let is_free = !source.is_reset();
                if !is_free && !self.shared.budget.withdraw() {
                    return None;
                }
                self.resends += 1;
                State::Ready
            }
            CallError::Lost { .. } if self.retries < RETRIES => {
                let method = self.shared.methods.iter().find(|it| it.path == spare.path);
                if !method.is_some_and(|method| method.idempotent) || !self.shared.budget.withdraw()
                {
                    return None;
                }
                let pause = PAUSE.saturating_mul(1 << self.retries);
                self.retries += 1;
                let pause = pause.mul_f64(rand::random_range(1.0..=2.0));
                State::Pausing(Box::pin(sleep(pause)))
            }
            _ => return None,
        };
        spare.avoid = error.address();
        self.shared.metrics.retried();
        Some(next)
    }

    /// The call once more, with the time that is left for it.
    fn again(&mut self) -> Option<Outgoing> {
        let mut again = self.spare.as_ref()?.again()?;
        deadline::write(again.deadline, &mut again.headers).ok()?;
        Some(again)
    }
}

impl<S> Future for Retrying<S>
where
    S: Service<Outgoing, Error = CallError> + Unpin,
    S::Future: Unpin,
{
    type Output = Result<S::Response, CallError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let this = &mut *self;
            match &mut this.state {
                State::Sent(call) => match ready!(Pin::new(call).poll(cx)) {
                    Ok(answer) => return Poll::Ready(Ok(answer)),
                    Err(error) => match this.next(&error) {
                        Some(next) => this.state = next,
                        None => return Poll::Ready(Err(error)),
                    },
                },
                State::Pausing(pause) => {
                    ready!(pause.as_mut().poll(cx));
                    this.state = State::Ready;
                }
                State::Ready => {
                    ready!(this.inner.poll_ready(cx))?;
                    let Some(again) = this.again() else {
                        // Its time is over, which whoever keeps the deadline tells.
                        return Poll::Ready(Err(CallError::Unreachable));
                    };
                    this.state = State::Sent(this.inner.call(again));
                }
            }
        }
    }
}

/// What may be sent again: a fifth of what was sent, and a few, so that calls to an upstream that
/// fails them all are hardly more than without.
#[derive(Debug)]
struct Budget(AtomicU32);

impl Budget {
    /// In fifths of a call.
    const COST: u32 = 5;
    const FIRST: u32 = 10 * Self::COST;
    const MOST: u32 = 100 * Self::COST;

    fn deposit(&self) {
        if self.0.load(Ordering::Relaxed) < Self::MOST {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn withdraw(&self) -> bool {
        self.0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(Self::COST)
            })
            .is_ok()
    }
}

impl Default for Budget {
    fn default() -> Self {
        Self(AtomicU32::new(Self::FIRST))
    }
}
