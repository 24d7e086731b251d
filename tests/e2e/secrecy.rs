//! What the logs never hold: tokens, and what a customer's record says.

use std::fs;

use http::{StatusCode, header::AUTHORIZATION};
use serde_json::json;
use strata_tests::Rig;

use crate::{
    CONTACT, ORDERS, OVERVIEW, STREAM,
    chain::Chain,
    stores::{orders, profile},
};

const TYPED: &str = "typed-by-the-user";

/// Everything about a customer that identifies or describes them, as the stores hold it.
async fn personal(rig: &Rig, customer: &str) -> Vec<String> {
    let profile = profile(rig, customer).await;
    let orders = orders(rig, customer).await;
    let of_profile = ["customerId", "fullName", "email", "phone"].map(|name| &profile[name]);
    let of_address = ["street", "postcode"].map(|name| &profile["address"][name]);
    let of_orders = orders.iter().flat_map(|order| {
        let lines = order["lines"].as_array().unwrap();
        lines.iter().map(|line| &line["description"])
    });
    let all = of_profile.into_iter().chain(of_address).chain(of_orders);
    all.map(|value| value.as_str().unwrap().to_owned())
        .collect()
}

/// Right and wrong requests to the estate, and to processes that log all there is to debug them.
pub(crate) async fn no_log_holds_what_is_secret(rig: &mut Rig) {
    let token = rig.token("cus_000001").unwrap();
    let chain = Chain::start(rig, |launch| {
        launch.set(
            "STRATA_TELEMETRY__LOG_FILTER",
            "debug,sqlx=trace,strata_middleware=trace",
        )
    });
    let chain = chain.await;
    for edge in [&rig.edge("storefront").unwrap(), &chain.edge] {
        for (path, status) in [
            (OVERVIEW.to_owned(), StatusCode::OK),
            (ORDERS.to_owned(), StatusCode::OK),
            (STREAM.to_owned(), StatusCode::OK),
            (
                format!("{ORDERS}?pageSize={TYPED}"),
                StatusCode::BAD_REQUEST,
            ),
            (
                format!("{ORDERS}?pageToken={TYPED}"),
                StatusCode::BAD_REQUEST,
            ),
            (format!("/v1/{TYPED}"), StatusCode::NOT_FOUND),
        ] {
            let answer = edge.get(&path, &token).await.unwrap();
            assert_eq!(answer.status, status, "{path}");
        }
        for (email, status) in [
            (format!("{TYPED}@example.com"), StatusCode::OK),
            (TYPED.to_owned(), StatusCode::BAD_REQUEST),
        ] {
            let change = json!({ "email": email, "idempotencyKey": email });
            let answer = edge.patch(CONTACT, &token, &change).await.unwrap();
            assert_eq!(answer.status, status);
        }
        let asked = edge.send(OVERVIEW, |request| {
            request.header(AUTHORIZATION, format!("Bearer {token}x"))
        });
        assert!(asked.await.unwrap().is_problem(StatusCode::UNAUTHORIZED));
    }

    let logs = rig.estate.services().iter();
    let logs = logs.map(|service| {
        (
            service.id.to_string(),
            fs::read_to_string(&service.log).unwrap(),
        )
    });
    let beside = chain
        .processes()
        .map(|(name, process)| (format!("{name} beside"), process.log()));
    let mut secrets = personal(rig, "cus_000001").await;
    assert!(secrets.iter().all(|secret| secret.len() > 5), "{secrets:?}");
    secrets.extend(token.split('.').map(str::to_owned));
    secrets.push(TYPED.to_owned());
    for (service, log) in logs.chain(beside) {
        assert!(log.contains("ready"), "{service}: this is no log");
        for secret in &secrets {
            let line = log.lines().find(|line| line.contains(secret));
            assert!(line.is_none(), "{service} logs {secret}: {line:?}");
        }
    }
}
