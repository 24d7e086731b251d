//! What happens when a clock is set while processes go by it.

use std::time::Duration;

use http::StatusCode;
use serde_json::json;
use strata_tests::{
    Clock, Edge, Relay, Rig, eventually,
    trail::{all, verified},
};

use crate::{CONTACT, OVERVIEW, chain::Chain};

/// In seconds: within the life of every token and certificate.
const AHEAD: i64 = 300;
/// Far above the second in which what is recorded is vouched for.
const SOON: Duration = Duration::from_secs(5);

async fn change(edge: &Edge, token: &str, key: &str) -> StatusCode {
    let body = json!({ "email": format!("{key}@example.com"), "idempotencyKey": key });
    edge.patch(CONTACT, token, &body).await.unwrap().status
}

pub(crate) async fn a_clock_that_steps_back_bends_no_trail(rig: &mut Rig) {
    let Some(clock) = Clock::new().await.unwrap() else {
        return;
    };
    clock.set(AHEAD).unwrap();
    let chain = Chain::start(rig, |launch| clock.of(launch)).await;
    let token = rig.token("cus_000035").unwrap();
    for (seconds, key) in [(AHEAD, "ahead"), (0, "right")] {
        clock.set(seconds).unwrap();
        assert_eq!(change(&chain.edge, &token, key).await, StatusCode::OK);
        let read = chain.edge.get(OVERVIEW, &token).await.unwrap();
        assert_eq!(read.status, StatusCode::OK, "{seconds}: {read:?}");
    }
    for (service, process) in chain.processes() {
        let id = &rig.estate.service(service).unwrap().id;
        let (audit, checkpoints) = (process.audit(), process.checkpoints());
        let mut report = None;
        let vouched = eventually(SOON, async || {
            let now = verified(rig, &audit, &checkpoints, id)?;
            // Also at a moment at which the last of it is vouched for by nobody yet.
            assert!(now.is_sound(), "{service}: {now:?}");
            let told = now.remarks.iter().any(|it| it.contains("stepped back"));
            report = Some(now);
            Ok(told)
        });
        assert!(
            vouched.await.is_ok(),
            "{service} is silent about it: {report:?}"
        );
        // In the order in which it happened, which is not that of the times.
        let times: Vec<_> = all(&audit)
            .unwrap()
            .iter()
            .map(|found| found.time)
            .collect();
        assert!(!times.is_sorted(), "{service}");
    }
    stop(chain).await;
}

/// A token that reads share was made five minutes ahead. Who has seen it remembers it; who has not must not
/// be sent it.
pub(crate) async fn a_token_of_before_a_step_back_is_not_passed_on(rig: &mut Rig) {
    let Some(clock) = Clock::new().await.unwrap() else {
        return;
    };
    clock.set(AHEAD).unwrap();
    let another = |service| clock.of(rig.another(service).unwrap());
    let (first, orders) = (another("customers").start(), another("orders").start());
    let (first, orders) = (first.await.unwrap(), orders.await.unwrap());
    let relay = Relay::start(first.address).await.unwrap();
    let overview = another("customer-overview").upstream("customers", relay.address);
    let overview = overview.upstream("orders", orders.address).start();
    let overview = overview.await.unwrap();
    let storefront = another("storefront").upstream("customer-overview", overview.address);
    let storefront = storefront.start().await.unwrap();
    let edge = rig.edge("storefront").unwrap().at(storefront.address);
    let token = rig.token("cus_000035").unwrap();
    let status = async || edge.get(OVERVIEW, &token).await.unwrap().status;
    assert_eq!(status().await, StatusCode::OK);

    clock.set(0).unwrap();
    let second = another("customers").start().await.unwrap();
    relay.lead_to(second.address);
    let answered = eventually(SOON, async || Ok(status().await == StatusCode::OK));
    let answered = answered.await;
    assert!(answered.is_ok(), "a token of the future was passed on");
    for process in [first, second, orders, overview, storefront] {
        process.terminate().unwrap();
        process.ended().await.unwrap();
    }
}

/// libfaketime cleans up after who ends as it should.
async fn stop(chain: Chain) {
    for (_, process) in chain.into_all() {
        process.terminate().unwrap();
        process.ended().await.unwrap();
    }
}
