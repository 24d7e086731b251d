//! The order of the stacks, by what whoever fails at two layers is told.

use bytes::Bytes;
use http::{StatusCode, header};
use strata_testkit::{Credential, Probe};
use strata_tests::{Counts, Rig};
use tonic::{Code, Request};

use crate::{OVERVIEW, consumers::change, folder::copy_of, release::GET};

const CUSTOMER: &str = "cus_000001";
const NOWHERE: &str = "/nowhere";

/// A token is looked at before the quota is, and the quota before the route.
pub(crate) async fn who_has_no_token_costs_no_consumer_anything(rig: &mut Rig) {
    let folder = copy_of(rig, "storefront");
    let (plan, few) = (
        "requests = 10000000, per = \"1day\"",
        "requests = 3, per = \"1h\"",
    );
    change(folder.path(), "plans.toml", plan, few);
    let launch = rig.another("storefront").unwrap().folder(folder.path());
    let instance = launch.start().await.unwrap();
    let edge = rig.edge("storefront").unwrap().at(instance.address);
    let token = rig.token(CUSTOMER).unwrap();
    for path in [OVERVIEW, NOWHERE] {
        for _ in 0..5 {
            let refused = edge.get(path, "none").await.unwrap();
            assert!(refused.is_problem(StatusCode::UNAUTHORIZED), "{refused:?}");
            assert!(!refused.headers.contains_key("ratelimit"));
        }
    }
    for (path, status) in [
        (OVERVIEW, StatusCode::OK),
        (NOWHERE, StatusCode::NOT_FOUND),
        (OVERVIEW, StatusCode::OK),
        (NOWHERE, StatusCode::TOO_MANY_REQUESTS),
    ] {
        let answer = edge.get(path, &token).await.unwrap();
        assert_eq!(answer.status, status, "{path} {answer:?}");
        assert!(answer.headers.contains_key("ratelimit"));
    }
}

/// Who lacks a scope is told so; whom a policy refuses is told nothing. Who fails at both hears of the
/// scope, and no policy is asked.
pub(crate) async fn a_scope_is_asked_for_before_a_policy_is(rig: &mut Rig) {
    let path = "/v1/customers/cus_000001/overview";
    let desk = rig.edge("support-desk").unwrap();
    let admin = rig.estate.service("support-desk").unwrap().admin;
    let denied = async || {
        let counts = Counts::of(admin).await.unwrap();
        counts.events("policy_denied", "not_permitted")
    };
    let before = denied().await;
    let none = std::collections::BTreeSet::new();
    let powerless = rig.token_with(CUSTOMER, &none).unwrap();
    let refused = desk.get(path, &powerless).await.unwrap();
    assert!(refused.is_problem(StatusCode::FORBIDDEN), "{refused:?}");
    let challenge = refused.headers[header::WWW_AUTHENTICATE].to_str().unwrap();
    assert!(challenge.contains("insufficient_scope"), "{challenge}");
    assert_eq!(denied().await, before, "a policy was asked first");
    // With the scopes the policies refuse: a customer is no agent.
    let refused = desk.get(path, &rig.token(CUSTOMER).unwrap()).await;
    let refused = refused.unwrap();
    assert!(refused.is_problem(StatusCode::FORBIDDEN), "{refused:?}");
    assert!(!refused.headers.contains_key(header::WWW_AUTHENTICATE));
    assert_eq!(denied().await, before + 1);
}

/// A hop counts a workload before it verifies what the workload brings, and reads a message last.
pub(crate) async fn a_hop_refuses_by_what_costs_least(rig: &mut Rig) {
    let launch = rig.another("customers").unwrap();
    let launch = launch
        .set("STRATA_LIMITS__WORKLOAD__REQUESTS", "3")
        .set("STRATA_LIMITS__WORKLOAD__PER", "1h");
    let customers = launch.start().await.unwrap();
    let caller = &rig.estate.service("customer-overview").unwrap().id;
    let credential = Credential::honest(rig.estate.pki(), caller).unwrap();
    let mut probe = Probe::new(rig.estate.pki(), customers.address, &credential).unwrap();
    let user = rig.principal(CUSTOMER);
    let honest = rig.transaction_token(caller, &user).unwrap();
    let leaf = honest.beside().unwrap();
    let mut ask = async |token: Option<&str>| {
        let mut request = Request::new(Bytes::from_static(&[0xff]));
        if let Some(token) = token {
            let headers = request.metadata_mut();
            headers.insert("txn-token", token.parse().unwrap());
            let leaf = leaf.to_str().unwrap().parse().unwrap();
            headers.insert("strata-token-leaf", leaf);
        }
        probe.call(GET, request).await.unwrap_err().code()
    };
    // Neither the message, which is none, nor the scope that nobody has: the token.
    assert_eq!(ask(Some("none")).await, Code::Unauthenticated);
    // Without one there is no user, and the message is still not read.
    assert_eq!(ask(None).await, Code::Unauthenticated);
    let honest = honest.sign().unwrap();
    assert_eq!(ask(Some(&honest)).await, Code::InvalidArgument);
    let late = ask(Some("none")).await;
    assert_eq!(late, Code::ResourceExhausted, "a token was verified first");
}
