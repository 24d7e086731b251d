//! F8 and F9: a network between two services that comes apart, and one that swallows everything.

use std::time::Duration;

use strata_tests::{Relay, Rig};
use tokio::time::sleep;

use crate::{
    trial::{Calm, Promise},
    ways::Ways,
};

/// How long it is broken: longer than all that finds it out.
const BROKEN: Duration = Duration::from_secs(20);
const SERVICES: [&str; 3] = ["customers", "orders", "customer-overview"];

/// The connection dies: whoever needs it is told at once.
const PARTED: Promise = Promise::at_once(&[503]);

/// Nothing says that the other end is gone: neither FIN nor RST. The first missed deadline has it asked,
/// and after five seconds more the connection is given up. Until then it is as with a service that hangs.
const SILENT: Promise = Promise {
    told: &[503, 504],
    noticed: Duration::from_secs(16),
    others: Duration::from_secs(16),
    recovery: Duration::from_secs(2),
};

/// Breaks the way to each service in turn.
async fn each(rig: &Rig, what: &str, promise: &Promise, begin: fn(&Relay), said: &str) {
    let ways = Ways::start(rig, |_, launch| launch).await;
    let mut faults = Vec::new();
    for service in SERVICES {
        let way = ways.to(service);
        let fault = Calm::before(service, ways.load(rig)).ends().await;
        begin(way);
        sleep(BROKEN).await;
        way.heal();
        let trial = fault.ends().await;
        println!("{what}: {trial}");
        faults.extend(trial.faults(promise));
        let log = ways.caller_of(service).log();
        if !log.contains(said) {
            faults.push(format!("{service}: its caller does not say that {said}"));
        }
    }
    ways.stop().await;
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

pub(crate) async fn a_partition_harms_only_what_crosses_it(rig: &mut Rig) {
    let said = "cannot reach an upstream";
    each(rig, "parted", &PARTED, Relay::part, said).await;
}

pub(crate) async fn a_network_that_swallows_everything_is_found_out(rig: &mut Rig) {
    let said = "it does not answer";
    each(rig, "silent", &SILENT, Relay::fall_silent, said).await;
}
