//! F2: services that hang while the estate works: they keep their connections and do nothing (SIGSTOP).

use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use strata_tests::{Counts, Rig};
use tokio::time::sleep;

use crate::{
    trial::{Calm, Promise},
    users::load,
};

/// How long it hangs: longer than the deadline by which its callers know.
const HANGS: Duration = Duration::from_secs(20);

/// Nobody can know before the first deadline is missed. Until then callers fill up with what waits, and
/// refuse what is too much, whatever it is.
const PROMISE: Promise = Promise {
    told: &[503, 504],
    noticed: Duration::from_secs(12),
    others: Duration::from_secs(12),
    recovery: Duration::from_secs(2),
};

fn signal(rig: &Rig, service: &str, signal: Signal) {
    let pid = rig.estate.service(service).unwrap().pid().unwrap();
    let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

async fn refused_by_breaker(rig: &Rig, caller: &str, service: &str) -> u64 {
    let caller = rig.estate.service(caller).unwrap().admin;
    Counts::of(caller)
        .await
        .unwrap()
        .refused_by_breaker(service)
}

pub(crate) async fn a_hung_service_is_given_up_and_taken_up_again(rig: &mut Rig) {
    let mut faults = Vec::new();
    for (service, caller) in [
        ("customers", "customer-overview"),
        ("orders", "customer-overview"),
        ("customer-overview", "storefront"),
    ] {
        let before = refused_by_breaker(rig, caller, service).await;
        let fault = Calm::before(service, load(rig)).ends().await;
        signal(rig, service, Signal::STOP);
        sleep(HANGS).await;
        signal(rig, service, Signal::CONT);
        let trial = fault.ends().await;
        println!("hung: {trial}");
        faults.extend(trial.faults(&PROMISE));
        let refused = refused_by_breaker(rig, caller, service).await - before;
        if refused == 0 {
            faults.push(format!("{service}: the breaker of {caller} never opened"));
        }
        rig.estate.check_ready().await.unwrap();
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
