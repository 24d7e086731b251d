//! What came of the requests of a load.

use std::{collections::BTreeMap, fmt, time::Duration};

use tokio::time::Instant;

/// What came of one request.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// The whole answer that was asked for.
    Answered,
    /// Another status.
    Refused(u16),
    /// No answer: why not.
    Broken(String),
    /// None in all the time a client waits.
    Unanswered,
}

/// One request.
#[derive(Clone, Debug)]
pub struct Record {
    /// Its kind.
    pub kind: &'static str,
    /// When it had to be sent: the load does not wait for answers, so this is when its user began
    /// to wait.
    pub scheduled: Instant,
    /// When the answer was there, or it was given up.
    pub finished: Instant,
    /// What came of it.
    pub outcome: Outcome,
}

impl Record {
    /// How long its user waited.
    #[must_use]
    pub fn latency(&self) -> Duration {
        self.finished.duration_since(self.scheduled)
    }

    /// Whether it was answered as asked for.
    #[must_use]
    pub fn is_answered(&self) -> bool {
        self.outcome == Outcome::Answered
    }
}

/// Requests, by the time they were scheduled.
#[derive(Clone, Debug, Default)]
pub struct Records(pub Vec<Record>);

impl Records {
    /// Those for which `which` holds.
    #[must_use]
    pub fn only(&self, which: impl Fn(&Record) -> bool) -> Self {
        Self(
            self.0
                .iter()
                .filter(|record| which(record))
                .cloned()
                .collect(),
        )
    }

    /// Those not answered as asked for.
    #[must_use]
    pub fn failed(&self) -> Self {
        self.only(|record| !record.is_answered())
    }

    /// The latency that `share` of the answered ones do not exceed.
    #[must_use]
    pub fn latency(&self, share: f64) -> Duration {
        let answered = self.0.iter().filter(|record| record.is_answered());
        let mut latencies: Vec<_> = answered.map(Record::latency).collect();
        latencies.sort_unstable();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            clippy::cast_sign_loss,
            reason = "a place in a list of far fewer than 2^52"
        )]
        let place = (latencies.len() as f64 * share) as usize;
        let place = place.min(latencies.len().saturating_sub(1));
        latencies.get(place).copied().unwrap_or_default()
    }

    /// Requests scheduled per second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        let times = || self.0.iter().map(|record| record.scheduled);
        let span = times().max().zip(times().min());
        let span = span.map_or(0.0, |(last, first)| {
            last.duration_since(first).as_secs_f64()
        });
        f64::from(u32::try_from(self.0.len()).unwrap_or(u32::MAX)) / span.max(0.001)
    }
}

/// One line: how many, how fast, what failed.
impl fmt::Display for Records {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut outcomes = BTreeMap::<_, u32>::new();
        for record in &self.0 {
            *outcomes.entry((&record.outcome, record.kind)).or_default() += 1;
        }
        let failed = outcomes
            .iter()
            .filter(|((outcome, _), _)| **outcome != Outcome::Answered)
            .map(|((outcome, kind), count)| format!("{count} {kind} {outcome:?}"));
        write!(
            f,
            "{} requests at {:.0}/s, p50 {:.1?}, p99 {:.1?}, max {:.1?}; failed: {} [{}]",
            self.0.len(),
            self.rate(),
            self.latency(0.5),
            self.latency(0.99),
            self.latency(1.0),
            self.failed().0.len(),
            failed.collect::<Vec<_>>().join(", ")
        )
    }
}
