//! Who asks too often, of each kind: refused, told when to come back, and nobody else is.

use http::{StatusCode, header};
use strata_core::Principal;
use strata_tests::{Counts, Rig};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::{
    OVERVIEW,
    consumers::change,
    folder::copy_of,
    release::{GET, call, get},
};

const CUSTOMER: &str = "cus_000001";

/// What lets this many requests through and then none for long.
fn only(of: &str, requests: u32) -> [(String, String); 2] {
    let key = |key| format!("STRATA_LIMITS__{of}__{key}");
    [
        (key("REQUESTS"), requests.to_string()),
        (key("PER"), "1h".to_owned()),
    ]
}

pub(crate) async fn a_network_that_asks_too_often_is_refused(rig: &mut Rig) {
    let [requests, per] = only("NETWORK", 3);
    let launch = rig.another("storefront").unwrap();
    let launch = launch.set(requests.0, requests.1).set(per.0, per.1);
    let instance = launch.start().await.unwrap();
    let edge = rig.edge("storefront").unwrap().at(instance.address);
    let token = rig.token(CUSTOMER).unwrap();
    for _ in 0..3 {
        let answer = edge.get(OVERVIEW, &token).await.unwrap();
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    }
    // Also without a token: nothing of it was looked at.
    for token in [&token, "none"] {
        let refused = edge.get(OVERVIEW, token).await.unwrap();
        let is_refused = refused.is_problem(StatusCode::TOO_MANY_REQUESTS);
        assert!(is_refused, "a fourth request of a network: {refused:?}");
        assert!(refused.headers.contains_key(header::RETRY_AFTER));
    }
    let counts = Counts::of(instance.admin).await.unwrap();
    assert_eq!(counts.events("rate_limited", "network"), 2);
}

/// Asserts that a hop refuses, and says when to come back.
fn assert_told_to_wait(refused: Result<bytes::Bytes, Status>, what: &str) {
    let Err(status) = refused else {
        panic!("{what}: answered");
    };
    assert_eq!(status.code(), Code::ResourceExhausted, "{what}");
    let wait = status.get_details_retry_info().unwrap().retry_delay;
    assert!(wait.is_some_and(|wait| wait.as_secs() > 600), "{what}");
}

pub(crate) async fn a_workload_that_asks_too_often_is_refused(rig: &mut Rig) {
    let [requests, per] = only("WORKLOAD", 3);
    let launch = rig.another("customers").unwrap();
    let launch = launch.set(requests.0, requests.1).set(per.0, per.1);
    let customers = launch.start().await.unwrap();
    let from = ("customer-overview", customers.address);
    let user = rig.principal(CUSTOMER);
    for _ in 0..3 {
        let answer = call(rig, from, GET, &user, get(CUSTOMER.to_owned())).await;
        answer.unwrap();
    }
    let refused = call(rig, from, GET, &user, get(CUSTOMER.to_owned())).await;
    assert_told_to_wait(refused, "a fourth call of a workload");
    let counts = Counts::of(customers.admin).await.unwrap();
    assert_eq!(counts.events("rate_limited", "workload"), 1);
}

pub(crate) async fn a_user_who_asks_a_hop_too_often_is_refused(rig: &mut Rig) {
    let [requests, per] = only("USER", 3);
    let launch = rig.another("customers").unwrap();
    let launch = launch.set(requests.0, requests.1).set(per.0, per.1);
    let customers = launch.start().await.unwrap();
    let from = ("customer-overview", customers.address);
    let ask = async |customer: &str| {
        let user = rig.principal(customer);
        call(rig, from, GET, &user, get(customer.to_owned())).await
    };
    for _ in 0..3 {
        ask(CUSTOMER).await.unwrap();
    }
    assert_told_to_wait(ask(CUSTOMER).await, "a fourth call for a user");
    ask("cus_000002").await.unwrap();
}

pub(crate) async fn a_hop_asks_for_the_scope_itself(rig: &mut Rig) {
    let customers = rig.estate.service("customers").unwrap();
    let from = ("customer-overview", customers.address);
    let user = rig.principal(CUSTOMER);
    let answer = call(rig, from, GET, &user, get(CUSTOMER.to_owned())).await;
    answer.unwrap();
    let powerless = Principal {
        scopes: Vec::new(),
        ..user
    };
    let before = Counts::of(customers.admin).await.unwrap();
    let refused = call(rig, from, GET, &powerless, get(CUSTOMER.to_owned())).await;
    assert!(refused.is_err(), "a user without the scope is answered");
    assert_eq!(refused.unwrap_err().code(), Code::PermissionDenied);
    let after = Counts::of(customers.admin).await.unwrap();
    let told = |counts: &Counts| counts.events("access_refused", "missing_scope");
    assert_eq!(told(&after), told(&before) + 1);
}

/// One client of the issuer, with accounts by the dozen: each asks seldom, all of them together often.
pub(crate) async fn many_accounts_of_one_consumer_are_slowed_as_one(rig: &mut Rig) {
    let folder = copy_of(rig, "storefront");
    let plan = "spike = { requests = 50000, per = \"5s\" }";
    let few = "spike = { requests = 10, per = \"1h\" }";
    change(folder.path(), "plans.toml", plan, few);
    let launch = rig.another("storefront").unwrap().folder(folder.path());
    let instance = launch.start().await.unwrap();
    let edge = rig.edge("storefront").unwrap().at(instance.address);
    for account in 1..=20 {
        let token = rig.token(&format!("cus_{account:06}")).unwrap();
        let answer = edge.get(OVERVIEW, &token).await.unwrap();
        if account <= 10 {
            assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        } else {
            let is_refused = answer.is_problem(StatusCode::TOO_MANY_REQUESTS);
            assert!(is_refused, "an account more of a consumer: {answer:?}");
            assert!(answer.headers.contains_key(header::RETRY_AFTER));
        }
    }
    let counts = Counts::of(instance.admin).await.unwrap();
    assert_eq!(counts.events("rate_limited", "spike"), 10);
    assert!(
        instance.log().contains("strata-dev"),
        "nobody is told whose"
    );
}

pub(crate) async fn a_plan_has_its_methods_and_no_other(rig: &mut Rig) {
    let folder = copy_of(rig, "storefront");
    change(folder.path(), "plans.toml", "\"ListMyOrders\", ", "");
    let launch = rig.another("storefront").unwrap().folder(folder.path());
    let instance = launch.start().await.unwrap();
    let edge = rig.edge("storefront").unwrap().at(instance.address);
    let token = rig.token(CUSTOMER).unwrap();
    let answer = edge.get(OVERVIEW, &token).await.unwrap();
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let refused = edge.get(crate::ORDERS, &token).await.unwrap();
    let is_refused = refused.is_problem(StatusCode::FORBIDDEN);
    assert!(is_refused, "a method that the plan has not: {refused:?}");
    let counts = Counts::of(instance.admin).await.unwrap();
    assert_eq!(counts.events("access_refused", "not_in_plan"), 1);
}
