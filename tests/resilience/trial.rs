//! Something happens to one service while users ask: what it may cost them, and for how long.

use std::{fmt, time::Duration};

use strata_tests::load::{Load, Outcome, Record, Records};
use tokio::time::{Instant, sleep};

use crate::users::{KINDS, RATE};

/// Before it happens, and after it is over.
const CALM: Duration = Duration::from_secs(4);
/// `limits.request_timeout` of the edge, and what a machine under load may add to it.
const DEADLINE: Duration = Duration::from_millis(10_500);
/// An answer that waited for nothing, with the same room.
const AT_ONCE: Duration = Duration::from_millis(500);
/// How many users a second may have to wait although it is known: the breaker lets a call through every half
/// second, and calls that come while a connection is tried wait for it.
const FEW: usize = 10;

/// What may fail, and for how long. Whatever fails is told within the deadline, and what is a stream may
/// break off.
pub(crate) struct Promise {
    /// What users may be told whose requests go through the service.
    pub(crate) told: &'static [u16],
    /// How long after its beginning users may still have to wait to be told so. From then on few do.
    pub(crate) noticed: Duration,
    /// For how long after its beginning requests may fail that do not go through the service.
    pub(crate) others: Duration,
    /// From its end to when nothing fails any more.
    pub(crate) recovery: Duration,
}

impl Promise {
    /// Whoever needs the service is told at once; nobody else notices.
    pub(crate) const fn at_once(told: &'static [u16]) -> Self {
        Self {
            told,
            noticed: Duration::ZERO,
            others: Duration::ZERO,
            recovery: Duration::from_secs(1),
        }
    }
}

/// What is about to happen to one service while users ask.
pub(crate) struct Calm {
    service: &'static str,
    load: Load,
}

/// What is happening.
pub(crate) struct Fault {
    calm: Calm,
    begun: Instant,
}

/// What happened.
pub(crate) struct Trial {
    service: &'static str,
    begun: Instant,
    over: Instant,
    pub(crate) records: Records,
}

impl Calm {
    pub(crate) const fn before(service: &'static str, load: Load) -> Self {
        Self { service, load }
    }

    /// It happens now, after a while in which all is well.
    pub(crate) async fn ends(self) -> Fault {
        sleep(CALM).await;
        Fault {
            calm: self,
            begun: Instant::now(),
        }
    }
}

impl Fault {
    /// It is over now, and all is well again for a while.
    pub(crate) async fn ends(self) -> Trial {
        let over = Instant::now();
        sleep(CALM).await;
        Trial {
            service: self.calm.service,
            begun: self.begun,
            over,
            records: self.calm.load.finish().await,
        }
    }
}

impl Trial {
    fn goes_through(&self, record: &Record) -> bool {
        let mut kinds = KINDS.iter();
        let kind = kinds.find(|kind| kind.name == record.kind).unwrap();
        kind.through.contains(&self.service)
    }

    /// From its end to the last request that was sent and failed; and to the first that was answered.
    fn recovery(&self) -> (Duration, Duration) {
        let after = self
            .records
            .only(|record| self.goes_through(record) && record.scheduled >= self.over);
        let since = |at: Instant| at.duration_since(self.over);
        let failed = after.failed().0.iter().map(|record| record.scheduled).max();
        let answered = after.0.iter().filter(|record| record.is_answered());
        let answered = answered.map(|record| record.finished).min();
        (
            failed.map(since).unwrap_or_default(),
            answered.map_or(Duration::MAX, since),
        )
    }

    /// From its beginning to the last request that was sent then and failed although it does not go through
    /// the service.
    fn harm_elsewhere(&self) -> Duration {
        let failed = self.records.failed();
        let elsewhere = failed.only(|record| !self.goes_through(record));
        let last = elsewhere.0.iter().map(|record| record.scheduled).max();
        last.map_or(Duration::ZERO, |last| last.duration_since(self.begun))
    }

    /// From its beginning to when all users but few were told at once, a second at a time.
    fn noticed(&self) -> Duration {
        let slow = self.records.failed().only(|record| {
            self.goes_through(record)
                && (self.begun..self.over).contains(&record.scheduled)
                && record.latency() > AT_ONCE
        });
        let second = |record: &Record| record.scheduled.duration_since(self.begun).as_secs();
        let many = |number: &u64| {
            let of_it = slow.0.iter().filter(|record| second(record) == *number);
            of_it.count() > FEW
        };
        let seconds = self.over.duration_since(self.begun).as_secs();
        let last = (0..=seconds).rev().find(many);
        last.map_or(Duration::ZERO, |last| Duration::from_secs(last + 1))
    }

    /// What failed, and was not sent about the time at which it began or was over.
    pub(crate) fn failed_away_from_its_ends(&self, about: Duration) -> Records {
        let away = |from: Instant, record: &Record| {
            record.scheduled + about < from || record.scheduled > from + about
        };
        let failed = self.records.failed();
        failed.only(|record| away(self.begun, record) && away(self.over, record))
    }

    /// What breaks the promise, in words.
    pub(crate) fn faults(&self, promise: &Promise) -> Vec<String> {
        let mut faults = Vec::new();
        let mut none = |what: &str, records: Records| {
            if !records.0.is_empty() {
                faults.push(format!("{}: {what}: {records}", self.service));
            }
        };
        let failed = self.records.failed();
        none(
            "failed before anything happened",
            failed.only(|record| record.finished < self.begun),
        );
        let late = self.records.only(|record| record.latency() > DEADLINE);
        let latest = late.0.iter().map(Record::latency).max();
        none(
            &format!("told after the deadline, the last after {latest:?}"),
            late,
        );
        // The connections of an edge's own users are its own.
        let is_edge = KINDS
            .iter()
            .any(|kind| kind.through.first() == Some(&self.service));
        let as_promised = |record: &Record| match &record.outcome {
            Outcome::Answered => true,
            Outcome::Refused(status) => promise.told.contains(status),
            Outcome::Broken(_) => is_edge || record.kind == "stream",
            Outcome::Unanswered => false,
        };
        none(
            "failed otherwise than promised",
            failed.only(|record| !as_promised(record)),
        );
        let (to_last, to_first) = self.recovery();
        for (what, time, most) in [
            (
                "from its end to the last failure",
                to_last,
                promise.recovery,
            ),
            (
                "from its end to the first answer",
                to_first,
                promise.recovery,
            ),
            ("others failed", self.harm_elsewhere(), promise.others),
            (
                "until users were told at once",
                self.noticed(),
                promise.noticed,
            ),
        ] {
            if time > most {
                faults.push(format!("{}: {what}: {time:.0?}", self.service));
            }
        }
        faults
    }
}

/// One line: what it cost.
impl fmt::Display for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (to_last, to_first) = self.recovery();
        write!(
            f,
            "{} for {:.1?}: told at once after {:.0?}, others failed for {:.1?}; from its end to the first \
             answer {to_first:.0?} and to the last failure {to_last:.0?}; wanted {RATE}/s; {}",
            self.service,
            self.over.duration_since(self.begun),
            self.noticed(),
            self.harm_elsewhere(),
            self.records
        )
    }
}
