//! F1: services that are killed while the estate works.

use std::{collections::BTreeMap, time::Duration};

use strata_tests::Rig;
use tokio::time::sleep;

use crate::{
    trial::{Calm, Promise},
    users::load,
};

/// How long it is away.
const AWAY: Duration = Duration::from_secs(2);

/// Whoever needs it is told at once that it is not there; nobody else notices.
const PROMISE: Promise = Promise::at_once(&[503]);

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
        let fault = Calm::before(service, load(rig)).ends().await;
        rig.estate.kill(service).await.unwrap();
        sleep(AWAY).await;
        rig.estate.restart(service).await.unwrap();
        let trial = fault.ends().await;
        println!("killed: {trial}");
        faults.extend(trial.faults(&PROMISE));
        rig.estate.check_ready().await.unwrap();
        for (name, process) in processes(rig) {
            assert_eq!(process == before[&name], name != service, "{name}");
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
