//! One address of an upstream, kept connected.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use h2::Reason;
use strata_tls::Refusal;
use tokio::{sync::Notify, time::sleep};
use tokio_util::sync::CancellationToken;

use super::{ejection::Health, line::Line, pool::Pool};
use crate::{connector::Connector, error::NetError};

/// Between two tries to connect: the second waits this long, each further twice as long up to the
/// longest, give or take a half. Short, so that a service that is back is used at once.
const SHORTEST: Duration = Duration::from_millis(20);
const LONGEST: Duration = Duration::from_millis(500);

/// Calls that cannot be sent ask for a try at once, but for no more than so many.
const BETWEEN_ASKED: Duration = Duration::from_millis(50);

/// A connection that lasted so long was no failure to connect.
const STEADY: Duration = Duration::from_secs(1);

/// An address, and how it does.
pub(super) struct Endpoint {
    pub(super) address: SocketAddr,
    pub(super) health: Health,
    in_flight: AtomicUsize,
    asked: Notify,
}

impl Endpoint {
    pub(super) fn new(address: SocketAddr) -> Self {
        Self {
            address,
            health: Health::default(),
            in_flight: AtomicUsize::new(0),
            asked: Notify::new(),
        }
    }

    pub(super) fn enter(&self) {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn leave(&self) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// A call is waiting for a connection.
    pub(super) fn ask(&self) {
        self.asked.notify_one();
    }

    /// Keeps a connection to it, for ever. When this is dropped the connection takes no further call
    /// and those under way complete.
    pub(super) async fn keep(self: Arc<Self>, pool: Arc<Pool>, connector: Connector) {
        let mut outage = Outage::default();
        let mut pause = Pause::default();
        loop {
            let begun = Instant::now();
            let leaving = CancellationToken::new();
            let _left = leaving.clone().drop_guard();
            match Line::open(&self, &connector, leaving.clone()).await {
                Ok((line, drive)) => {
                    outage.over(&pool.upstream, self.address);
                    let line = Arc::new(line);
                    pool.connected(&line);
                    let mut driving = tokio::spawn(drive.run());
                    let ended = tokio::select! {
                        () = leaving.cancelled() => None,
                        ended = &mut driving => ended.ok().and_then(Result::err),
                    };
                    leaving.cancel();
                    pool.left(&line);
                    if let Some(error) = ended {
                        let upstream = &*pool.upstream;
                        tracing::warn!(upstream, address = %self.address, %error, "a connection to an upstream was lost");
                    }
                    if line.has_answered() || begun.elapsed() > STEADY {
                        pause = Pause::default();
                    }
                }
                // Its callee is there, and was about to replace it already.
                Err(NetError::Http2 { source, .. })
                    if source.reason() == Some(Reason::NO_ERROR) && !pause.is_longest() => {}
                Err(error) => {
                    outage.goes_on(&pool.upstream, &error, &connector);
                    pool.unreachable(&self);
                    pause.failed();
                }
            }
            let next = begun + BETWEEN_ASKED;
            tokio::select! {
                () = sleep(pause.next()) => {}
                () = self.asked.notified() => tokio::time::sleep_until(next.into()).await,
            }
        }
    }
}

/// Tells of an outage once, and again when its reason is another.
#[derive(Default)]
struct Outage {
    is_known: bool,
    refusal: Option<Refusal>,
}

impl Outage {
    fn goes_on(&mut self, upstream: &str, error: &NetError, connector: &Connector) {
        let refusal = match error {
            NetError::Refused { refusal, .. } => Some(*refusal),
            _ => None,
        };
        if !self.is_known || refusal != self.refusal {
            tracing::warn!(upstream, %error, "cannot reach an upstream: it is tried again for ever");
            if let Some(refusal) = refusal {
                connector.refused(refusal);
            }
        }
        *self = Self {
            is_known: true,
            refusal,
        };
    }

    fn over(&mut self, upstream: &str, address: SocketAddr) {
        if self.is_known {
            tracing::info!(upstream, %address, "an upstream is reached again");
        }
        *self = Self::default();
    }
}

/// Between two tries: none where the last connection was of use.
#[derive(Default)]
struct Pause(Option<Duration>);

impl Pause {
    /// What has just failed is not tried at once.
    fn failed(&mut self) {
        self.0.get_or_insert(SHORTEST);
    }

    fn is_longest(&self) -> bool {
        self.0 == Some(LONGEST)
    }

    fn next(&mut self) -> Duration {
        let Some(longest) = self.0.replace(match self.0 {
            None => SHORTEST,
            Some(before) => (before * 2).min(LONGEST),
        }) else {
            return Duration::ZERO;
        };
        longest.mul_f64(rand::random_range(0.5..=1.0))
    }
}
