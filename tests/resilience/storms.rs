//! F4: an upstream that fails, and callers that try again.

use http::StatusCode;
use strata_tests::{Rig, Storm};

const REQUESTS: u64 = 5_000;

pub(crate) async fn retries_stay_within_their_budget_for_long(rig: &mut Rig) {
    for of_five in 1..=5 {
        let storm = Storm::over(rig, of_five, REQUESTS).await.unwrap();
        println!("{of_five} of 5 calls fail: {storm:?}");
        let told = [StatusCode::NOT_FOUND, StatusCode::SERVICE_UNAVAILABLE];
        assert!(
            storm.told.keys().all(|status| told.contains(status)),
            "{storm:?}"
        );
    }
}
