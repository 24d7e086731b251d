//! Stopping: in time, and with nothing lost.

use std::time::Duration;

use http::StatusCode;
use strata_tests::{Counts, Instance, Rig, eventually};

use crate::{OVERVIEW, chain::Chain};

const PATIENCE: Duration = Duration::from_secs(5);

async fn assert_drained(service: &str, process: Instance) {
    let ended = process.ended().await.unwrap();
    assert_eq!(ended.status.code(), Some(0), "{service}: {ended:?}");
    assert!(
        ended.stderr.contains("stopped aborted=0"),
        "{service}: {ended:?}"
    );
}

/// Each while the others hold their connections to it open.
pub(crate) async fn a_service_asked_to_stop_ends_well(rig: &mut Rig) {
    let chain = Chain::start(rig, |launch| launch).await;
    let token = rig.token("cus_000001").unwrap();
    let answer = chain.edge.get(OVERVIEW, &token).await.unwrap();
    assert_eq!(answer.status, StatusCode::OK);
    for (service, process) in [
        ("customers", chain.customers),
        ("orders", chain.orders),
        ("customer-overview", chain.overview),
        ("storefront", chain.storefront),
    ] {
        process.terminate().unwrap();
        assert_drained(service, process).await;
    }
    assert!(
        chain.edge.get(OVERVIEW, &token).await.is_err(),
        "it still answers"
    );
}

/// A request waits for a System API that hangs; meanwhile those it came through are asked to stop.
pub(crate) async fn a_request_under_way_is_answered_before_the_end(rig: &mut Rig) {
    let chain = Chain::start(rig, |launch| launch).await;
    let token = rig.token("cus_000001").unwrap();
    let stopped = [&chain.overview, &chain.storefront];
    chain.customers.halt().unwrap();
    let asking = async { chain.edge.get(OVERVIEW, &token).await.unwrap() };
    let stopping = async {
        // One half of the request has been answered, so the other is under way.
        let under_way = eventually(PATIENCE, async || {
            Ok(Counts::of(chain.orders.admin).await?.all_requests() > 0)
        });
        under_way.await.unwrap();
        for process in stopped {
            assert!(process.is_ready().await.unwrap());
            process.terminate().unwrap();
            let draining = eventually(PATIENCE, async || Ok(!process.is_ready().await?));
            draining.await.unwrap();
        }
        chain.customers.resume().unwrap();
    };
    let (answer, ()) = tokio::join!(asking, stopping);
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert_drained("customer-overview", chain.overview).await;
    assert_drained("storefront", chain.storefront).await;
}

/// While a request waits for a System API that hangs, for as long as its deadline.
pub(crate) async fn a_second_signal_ends_it_at_once(rig: &mut Rig) {
    let chain = Chain::start(rig, |launch| {
        let launch = launch.set("STRATA_LIMITS__REQUEST_TIMEOUT", "60s");
        launch.set("STRATA_LIMITS__DRAIN_TIMEOUT", "60s")
    });
    let chain = chain.await;
    let token = rig.token("cus_000001").unwrap();
    let honest = chain.edge.get(OVERVIEW, &token).await.unwrap();
    assert_eq!(honest.status, StatusCode::OK);
    chain.customers.halt().unwrap();
    let asking = async { chain.edge.get(OVERVIEW, &token).await.unwrap() };
    let stopping = async {
        let under_way = eventually(PATIENCE, async || {
            Ok(Counts::of(chain.orders.admin).await?.all_requests() > 1)
        });
        under_way.await.unwrap();
        let process = &chain.overview;
        process.terminate().unwrap();
        let draining = eventually(PATIENCE, async || Ok(!process.is_ready().await?));
        draining.await.unwrap();
        process.terminate().unwrap();
    };
    let (answer, ()) = tokio::join!(asking, stopping);
    assert!(answer.status.is_server_error(), "{answer:?}");
    let ended = chain.overview.ended().await.unwrap();
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert!(ended.stderr.contains("a second signal"), "{ended:?}");
    assert!(!ended.stderr.contains("stopped aborted"), "{ended:?}");
    chain.customers.resume().unwrap();
}
