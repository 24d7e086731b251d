//! Services that are killed while the estate works.

use std::{collections::BTreeMap, time::Duration};

use strata_tests::{
    Rig,
    load::{Record, Records},
};
use tokio::time::{Instant, sleep};

use crate::users::{KINDS, RATE, load};

/// Before a service is killed, and after it is back.
const CALM: Duration = Duration::from_secs(4);
/// How long it is away.
const AWAY: Duration = Duration::from_secs(2);
/// From when it is ready again to when nothing fails any more.
const RECOVERY: Duration = Duration::from_secs(1);
/// `limits.request_timeout` of the edge, and what a machine under load may add to it.
const DEADLINE: Duration = Duration::from_millis(10_500);

/// What happened to one service.
struct Crash {
    service: &'static str,
    killed: Instant,
    ready: Instant,
    records: Records,
}

impl Crash {
    fn goes_through(&self, record: &Record) -> bool {
        let mut kinds = KINDS.iter();
        let kind = kinds.find(|kind| kind.name == record.kind).unwrap();
        kind.through.contains(&self.service)
    }

    /// From ready to the last request that was sent and failed; and to the first that was answered.
    fn recovery(&self) -> (Duration, Duration) {
        let after = self
            .records
            .only(|record| self.goes_through(record) && record.scheduled >= self.ready);
        let since = |at: Instant| at.duration_since(self.ready);
        let failed = after.failed().0.iter().map(|record| record.scheduled).max();
        let answered = after.0.iter().filter(|record| record.is_answered());
        let answered = answered.map(|record| record.finished).min();
        (
            failed.map(since).unwrap_or_default(),
            answered.map_or(Duration::MAX, since),
        )
    }

    /// What breaks the promise, in words.
    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut none = |what: &str, records: Records| {
            if !records.0.is_empty() {
                faults.push(format!("{}: {what}: {records}", self.service));
            }
        };
        let failed = self.records.failed();
        let elsewhere = failed.only(|record| !self.goes_through(record));
        none("failed without going through it", elsewhere);
        let before = failed.only(|record| record.finished < self.killed);
        none("failed before it was killed", before);
        let late = self.records.only(|record| record.latency() > DEADLINE);
        none("answered after its deadline", late);
        let (to_last, to_first) = self.recovery();
        for (what, time) in [
            ("the last failure", to_last),
            ("the first answer", to_first),
        ] {
            if time >= RECOVERY {
                faults.push(format!("{}: {time:.0?} from ready to {what}", self.service));
            }
        }
        faults
    }
}

async fn crash(rig: &mut Rig, service: &'static str) -> Crash {
    let load = load(rig);
    sleep(CALM).await;
    let killed = Instant::now();
    rig.estate.kill(service).await.unwrap();
    sleep(AWAY).await;
    rig.estate.restart(service).await.unwrap();
    let ready = Instant::now();
    sleep(CALM).await;
    Crash {
        service,
        killed,
        ready,
        records: load.finish().await,
    }
}

fn processes(rig: &Rig) -> BTreeMap<String, Option<u32>> {
    let services = rig.estate.services().iter();
    services
        .map(|service| (service.name.clone(), service.pid()))
        .collect()
}

pub(crate) async fn a_killed_service_harms_only_what_goes_through_it(rig: &mut Rig) {
    let mut faults = Vec::new();
    for service in [
        "customers",
        "orders",
        "customer-overview",
        "storefront",
        "support-desk",
    ] {
        let before = processes(rig);
        let crash = crash(rig, service).await;
        let (to_last, to_first) = crash.recovery();
        println!(
            "{service} killed, away for {:.1?}: first answer {to_first:.0?} and last failure \
             {to_last:.0?} after it was ready; wanted {RATE}/s; {}",
            crash.ready.duration_since(crash.killed),
            crash.records
        );
        faults.extend(crash.faults());
        rig.estate.check_ready().await.unwrap();
        for (name, process) in processes(rig) {
            assert_eq!(process == before[&name], name != service, "{name}");
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
