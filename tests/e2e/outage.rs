//! What users are told while a service is away.

use std::time::Duration;

use http::StatusCode;
use strata_tests::{Relay, Rig, eventually};

use crate::{OVERVIEW, PATIENCE, chain::Chain};

/// How soon a service that is back is used again, with room for a busy machine.
const SOON: Duration = Duration::from_secs(3);

/// What a client may take as "later".
const LATER: [StatusCode; 2] = [StatusCode::SERVICE_UNAVAILABLE, StatusCode::GATEWAY_TIMEOUT];

pub(crate) async fn a_killed_service_is_a_problem_until_it_is_back(rig: &mut Rig) {
    let edge = rig.edge("storefront").unwrap();
    let token = rig.token("cus_000001").unwrap();
    for service in ["customers", "orders", "customer-overview"] {
        let before = edge.get(OVERVIEW, &token).await.unwrap();
        assert_eq!(before.status, StatusCode::OK, "{service}: {before:?}");
        rig.estate.kill(service).await.unwrap();
        for _ in 0..3 {
            let answer = edge.get(OVERVIEW, &token).await.unwrap();
            let later = LATER.into_iter().any(|status| answer.is_problem(status));
            assert!(later, "{service}: {answer:?}");
        }
        rig.estate.restart(service).await.unwrap();
        let back = eventually(SOON, async || {
            let after = edge.get(OVERVIEW, &token).await?;
            Ok(after.status == StatusCode::OK && after.body == before.body)
        });
        back.await.expect(service);
    }
}

/// Every hop keeps a deadline: the process that hangs has none.
pub(crate) async fn a_hung_service_is_a_problem_at_the_deadline(rig: &mut Rig) {
    let chain = Chain::start(rig, |launch| {
        launch.set("STRATA_LIMITS__REQUEST_TIMEOUT", "1s")
    });
    let chain = chain.await;
    let token = rig.token("cus_000001").unwrap();
    let answer = chain.edge.get(OVERVIEW, &token).await.unwrap();
    assert_eq!(answer.status, StatusCode::OK);
    for (service, process) in chain.processes() {
        if service == "storefront" {
            continue;
        }
        process.halt().unwrap();
        let answer = chain.edge.get(OVERVIEW, &token).await.unwrap();
        assert!(
            answer.is_problem(StatusCode::GATEWAY_TIMEOUT),
            "{service}: {answer:?}"
        );
        process.resume().unwrap();
        let answer = chain.edge.get(OVERVIEW, &token).await.unwrap();
        assert_eq!(answer.status, StatusCode::OK, "{service}: {answer:?}");
    }
}

/// A network that swallows everything and says nothing: the first missed deadline has the callee asked
/// whether it is there.
pub(crate) async fn a_connection_that_fell_silent_is_given_up(rig: &mut Rig) {
    let relay = Relay::start(rig.estate.service("customers").unwrap().address);
    let relay = relay.await.unwrap();
    let short = |service| {
        let launch = rig.another(service).unwrap();
        launch.set("STRATA_LIMITS__REQUEST_TIMEOUT", "1s")
    };
    let overview = short("customer-overview").upstream("customers", relay.address);
    let overview = overview.start().await.unwrap();
    let storefront = short("storefront").upstream("customer-overview", overview.address);
    let storefront = storefront.start().await.unwrap();
    let edge = rig.edge("storefront").unwrap().at(storefront.address);
    let token = rig.token("cus_000001").unwrap();
    let before = edge.get(OVERVIEW, &token).await.unwrap();
    assert_eq!(before.status, StatusCode::OK, "{before:?}");

    relay.fall_silent();
    let answer = edge.get(OVERVIEW, &token).await.unwrap();
    assert!(answer.is_problem(StatusCode::GATEWAY_TIMEOUT), "{answer:?}");
    // Nobody asks any more, and it is found out all the same.
    let given_up = eventually(PATIENCE, async || {
        Ok(overview.log().contains("it does not answer"))
    });
    assert!(given_up.await.is_ok(), "the connection is kept");
    let answer = edge.get(OVERVIEW, &token).await.unwrap();
    let later = LATER.into_iter().any(|status| answer.is_problem(status));
    assert!(later, "{answer:?}");

    relay.heal();
    let back = eventually(SOON, async || {
        let after = edge.get(OVERVIEW, &token).await?;
        Ok(after.status == StatusCode::OK && after.body == before.body)
    });
    back.await.unwrap();
}
