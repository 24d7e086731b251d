//! What reaches an upstream that fails.

use http::StatusCode;
use strata_tests::{Rig, Storm};

const REQUESTS: u64 = 400;

pub(crate) async fn retries_stay_within_their_budget(rig: &mut Rig) {
    // Two of five: too few for the breaker.
    let storm = Storm::over(rig, 2, REQUESTS).await.unwrap();
    assert_eq!(storm.refused, 0, "{storm:?}");
    assert!(storm.retries > REQUESTS / 10, "{storm:?}");
    let told = [StatusCode::NOT_FOUND, StatusCode::SERVICE_UNAVAILABLE];
    assert!(
        storm.told.keys().all(|status| told.contains(status)),
        "{storm:?}"
    );
}

pub(crate) async fn an_upstream_that_fails_every_call_is_spared(rig: &mut Rig) {
    let storm = Storm::over(rig, 5, REQUESTS).await.unwrap();
    assert!(storm.reached < REQUESTS / 4, "all of it came: {storm:?}");
    let unavailable = storm.told.get(&StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(unavailable, Some(&REQUESTS), "{storm:?}");
}
