//! The issuer's keys, as they change and while it is away.

use std::time::{Duration, Instant};

use http::StatusCode;
use serde_json::json;
use strata_config::{Environment, dns_name};
use strata_core::Layer;
use strata_telemetry::Kind;
use strata_tests::{Counts, Rig, eventually};

use crate::{
    OVERVIEW, PATIENCE,
    events::{as_json, tells, told},
    issuer::Issuer,
};

/// Between two fetches that unknown keys cause.
const INTERVAL: Duration = Duration::from_secs(10);
/// Made-up keys, at least.
const FLOOD: usize = 300;

/// Made-up keys cost the issuer one fetch an interval, one that it has rotated in is taken by then, and
/// while it is away those there are go on.
pub(crate) async fn a_key_that_is_rotated_in_is_taken_and_made_up_ones_cost_nothing(rig: &mut Rig) {
    let audience = dns_name(Layer::Experience, Environment::Dev, "storefront");
    let mut issuer = Issuer::start(&format!("https://{audience}")).await;
    let begun = Instant::now();
    let launch = rig.another("storefront").unwrap();
    let storefront = as_json(launch)
        .set("STRATA_TOKENS__ISSUER", &issuer.url)
        .start()
        .await
        .unwrap();
    let edge = rig.edge("storefront").unwrap().at(storefront.address);
    let status = async |token: &str| edge.get(OVERVIEW, token).await.unwrap().status;
    let at_most = || 1 + usize::try_from(begun.elapsed().as_secs() / INTERVAL.as_secs()).unwrap();
    let (mut made_up, mut sent) = (Issuer::header(), 0);
    let old = issuer.token(&json!({}));
    assert_eq!(status(&old).await, StatusCode::OK);

    while sent < FLOOD || issuer.fetched() == 1 {
        sent += 1;
        made_up.kid = Some(format!("made-up-{sent}"));
        let token = issuer.sign(&made_up, &issuer.claims(&json!({})));
        assert_eq!(status(&token).await, StatusCode::UNAUTHORIZED);
        let (fetched, elapsed) = (issuer.fetched(), begun.elapsed());
        assert!(fetched <= at_most(), "{fetched} fetches after {elapsed:?}");
        assert!(elapsed < PATIENCE, "{fetched} after {elapsed:?}");
    }
    let counts = Counts::of(storefront.admin).await.unwrap();
    assert_eq!(counts.events("token_refused", "unknown_key"), sent as u64);

    issuer.rotate();
    let new = issuer.token(&json!({}));
    let taken = eventually(2 * INTERVAL, async || {
        Ok(status(&new).await == StatusCode::OK)
    });
    taken.await.unwrap();
    assert_eq!(status(&old).await, StatusCode::UNAUTHORIZED);
    assert!(issuer.fetched() <= at_most());

    issuer.stop();
    let failed = eventually(PATIENCE, async || {
        assert_eq!(status(&old).await, StatusCode::UNAUTHORIZED);
        Ok(storefront.log().contains("cannot fetch the issuer's keys"))
    });
    failed.await.unwrap();
    tells(&storefront, Kind::IssuerKeysRefused, "unreachable").await;
    let told = told(&storefront);
    let of_kind = |kind: &str| {
        let of_kind = told.iter().filter(|event| event.status_code == kind);
        of_kind
            .map(|event| &*event.status_detail)
            .collect::<Vec<_>>()
    };
    assert_eq!(of_kind("issuer_keys_replaced"), ["fetched", "rotated"]);
    assert_eq!(of_kind("issuer_keys_refused"), ["unreachable"]);
    // One that it has never seen: nothing but the key is remembered.
    assert_eq!(
        status(&issuer.token(&json!({ "jti": "2" }))).await,
        StatusCode::OK
    );
    assert!(storefront.is_ready().await.unwrap());
}
