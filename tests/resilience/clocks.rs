//! F6: clocks that step while the estate works.

use std::time::Duration;

use strata_tests::{
    Clock, Launch, Rig,
    trail::{Kept, twice, verified},
};
use tokio::time::sleep;

use crate::{
    trial::{Calm, Promise},
    ways::Ways,
};

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
/// How long what was under way at a step is.
const AT_THE_STEP: Duration = Duration::from_secs(1);
/// How long a clock is wrong.
const WRONG: Duration = Duration::from_secs(12);

/// As long as what is signed is valid at both times, only what is under way at the step is noticed: a token was
/// made by one time and is read by the other.
const UNDER_WAY: Promise = Promise::at_once(&[401]);

/// Tokens are over, or come from the future, and so are certificates: whoever needs that service is refused at
/// once, until its clock is right.
const REFUSED: Promise = Promise::at_once(&[401, 503]);

/// What clocks did, and what became of it.
async fn trial(
    rig: &Rig,
    (from, to): (i64, i64),
    wrong: &[&str],
    promise: &Promise,
) -> Vec<String> {
    let Some(clock) = Clock::new().await.unwrap() else {
        return Vec::new();
    };
    clock.set(from).unwrap();
    let kept = Kept::new().unwrap();
    let form = |service: &str, launch: Launch| {
        let launch = if service == "customers" {
            kept.of(launch)
        } else {
            launch
        };
        if wrong.contains(&service) {
            clock.of(launch)
        } else {
            launch
        }
    };
    let ways = Ways::start(rig, form).await;
    let fault = Calm::before("customers", ways.load(rig)).ends().await;
    clock.set(to).unwrap();
    sleep(WRONG).await;
    clock.set(from).unwrap();
    let trial = fault.ends().await;
    println!("from {from} s to {to} s, the clock of {wrong:?}: {trial}");
    let mut faults = trial.faults(promise);
    if wrong == ALL {
        let later = trial.failed_away_from_its_ends(AT_THE_STEP);
        if !later.0.is_empty() {
            faults.push(format!("{to}: failed when nothing stepped: {later}"));
        }
    }
    ways.stop().await;
    let id = &rig.estate.service("customers").unwrap().id;
    let report = verified(rig, &kept.audit(), &kept.checkpoints(), id).unwrap();
    println!(
        "the trail of customers: {:?} {:?}",
        report.findings, report.remarks
    );
    let told = report.remarks.iter().any(|it| it.contains("stepped back"));
    if !told {
        faults.push(format!(
            "{to}: the trail does not say that the clock stepped back"
        ));
    }
    // What was signed when its certificate was over is not believed, and said to be so.
    let believed = to < 24 * HOUR;
    if believed != report.is_sound() {
        faults.push(format!("{to}: {report:?}"));
    }
    assert_eq!(twice(&kept.audit()).unwrap(), [0_u64; 0]);
    faults
}

const ALL: [&str; 5] = [
    "customers",
    "orders",
    "customer-overview",
    "storefront",
    "support-desk",
];

pub(crate) async fn clocks_that_step_together_harm_only_what_is_under_way(rig: &mut Rig) {
    let mut faults = trial(rig, (10 * MINUTE, 0), &ALL, &UNDER_WAY).await;
    faults.extend(trial(rig, (0, 10 * MINUTE), &ALL, &UNDER_WAY).await);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

pub(crate) async fn a_clock_that_steps_alone_harms_only_what_goes_by_it(rig: &mut Rig) {
    let mut faults = Vec::new();
    for to in [-10 * MINUTE, 10 * MINUTE, 25 * HOUR] {
        faults.extend(trial(rig, (0, to), &["customers"], &REFUSED).await);
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
