//! Clients of other languages with an SVID: answered as the estate's own are, and refused as they.

use http::StatusCode;
use serde_json::Value;
use strata_config::trust_domain;
use strata_core::{Layer, SpiffeId};
use strata_estate::pki::{Leaf, LeafSpec};
use strata_tests::{Counts, Rig};

use crate::foreign::{CUSTOMER, Client, Outcome, Plan};

const STREAM: &str = "/v1/me/orders.ndjson";
const OVERVIEW: &str = "/v1/me/overview";

/// The SVID of a workload.
fn svid(rig: &Rig, id: &SpiffeId) -> Leaf {
    let pki = rig.estate.pki();
    let spec = LeafSpec::svid(id, pki.environment());
    pki.authority(id.layer()).unwrap().issue(&spec).unwrap()
}

/// The SVID of a service of the estate.
fn svid_of(rig: &Rig, service: &str) -> Leaf {
    svid(rig, &rig.estate.service(service).unwrap().id)
}

/// What names an order and what it is worth, of each.
fn orders<'a>(orders: impl IntoIterator<Item = &'a Value>) -> Vec<[&'a str; 3]> {
    let of = |order: &'a Value| {
        ["orderId", "totalMinor", "currency"].map(|name| order[name].as_str().unwrap_or(name))
    };
    orders.into_iter().map(of).collect()
}

fn messages(outcome: &Outcome) -> &[Value] {
    match outcome {
        Outcome::Answered { messages } => messages,
        Outcome::Failed { .. } => panic!("{outcome:?}"),
    }
}

/// The same as users of the edge are told, over a unary call and over a stream of every hop.
async fn gets_answers(rig: &Rig, client: Client) {
    let edge = rig.edge("storefront").unwrap();
    let token = rig.token(CUSTOMER).unwrap();
    let overview = edge.get(OVERVIEW, &token).await.unwrap();
    let all = edge.get(STREAM, &token).await.unwrap();
    assert_eq!(
        (overview.status, all.status),
        (StatusCode::OK, StatusCode::OK)
    );
    let all = orders(all.body.as_array().unwrap());
    assert!(all.len() > 1, "{CUSTOMER} has too few orders for a stream");

    let leaf = svid_of(rig, "customer-overview");
    let plan = Plan::orders(rig, Some(&leaf));
    let Some(outcomes) = client.run(&plan).await else {
        return;
    };
    let [listed, streamed] = &outcomes[..] else {
        panic!("{outcomes:?}");
    };
    let listed = messages(listed)[0]["orders"].as_array().unwrap();
    assert_eq!(orders(listed), all, "{client:?}");
    assert_eq!(orders(messages(streamed)), all, "{client:?}");

    let leaf = svid_of(rig, "storefront");
    let plan = Plan::overview(rig, Some(&leaf));
    let outcomes = client.run(&plan).await.unwrap();
    let [got, streamed] = &outcomes[..] else {
        panic!("{outcomes:?}");
    };
    let profile = &messages(got)[0]["profile"];
    assert_eq!(profile["email"], overview.body["profile"]["email"]);
    assert_eq!(orders(messages(streamed)), all, "{client:?}");
}

pub(crate) async fn grpcio_gets_answers(rig: &mut Rig) {
    gets_answers(rig, Client::Grpcio).await;
}

pub(crate) async fn grpc_js_gets_answers(rig: &mut Rig) {
    gets_answers(rig, Client::GrpcJs).await;
}

/// Each with the code a client sees, and the security event the service counts.
async fn is_refused(rig: &Rig, client: Client) {
    let orders = rig.estate.service("orders").unwrap();
    let domain = trust_domain(Layer::Process, rig.estate.pki().environment()).unwrap();
    let stranger = domain.workload("undeclared").unwrap();
    for (case, leaf, code, event) in [
        (
            "no certificate",
            None,
            "UNAVAILABLE",
            ("peer_refused", "no_certificate"),
        ),
        (
            "another layer's",
            Some(svid_of(rig, "storefront")),
            "UNAVAILABLE",
            ("peer_refused", "foreign_trust_domain"),
        ),
        (
            "an undeclared caller's",
            Some(svid(rig, &stranger)),
            "PERMISSION_DENIED",
            ("call_refused", "unknown_caller"),
        ),
    ] {
        let before = Counts::of(orders.admin).await.unwrap();
        let plan = Plan::orders(rig, leaf.as_ref());
        let Some(outcomes) = client.run(&plan).await else {
            return;
        };
        for outcome in &outcomes {
            let refused = matches!(outcome, Outcome::Failed { code: said, .. } if said == code);
            assert!(refused, "{client:?} with {case}: {outcome:?}");
        }
        let after = Counts::of(orders.admin).await.unwrap();
        let counted = after.events(event.0, event.1) > before.events(event.0, event.1);
        assert!(counted, "{client:?} with {case}");
        assert_eq!(after.all_requests(), before.all_requests(), "{case}");
    }
}

pub(crate) async fn grpcio_is_refused_without_the_right_svid(rig: &mut Rig) {
    is_refused(rig, Client::Grpcio).await;
}

pub(crate) async fn grpc_js_is_refused_without_the_right_svid(rig: &mut Rig) {
    is_refused(rig, Client::GrpcJs).await;
}

/// The other direction: what lets a foreign client know whom it speaks to.
pub(crate) async fn neither_talks_to_another_service(rig: &mut Rig) {
    let leaf = svid_of(rig, "customer-overview");
    let honest = || Plan::orders(rig, Some(&leaf));
    let customers = rig.estate.service("customers").unwrap();
    let mut renamed = honest();
    renamed.name = renamed.name.replace("orders", "customers");
    let mut another = honest();
    another.id = customers.id.to_string();
    let untrusted = honest().trusting(rig, Layer::Process);
    let both = [Client::Grpcio, Client::GrpcJs].as_slice();
    for (case, clients, plan) in [
        ("another DNS name", both, renamed),
        ("another layer's CA", both, untrusted),
        // grpcio has no hook to look at it.
        ("another SPIFFE ID", &[Client::GrpcJs], another),
    ] {
        for client in clients {
            let before = Counts::of(rig.estate.service("orders").unwrap().admin).await;
            let Some(outcomes) = client.run(&plan).await else {
                continue;
            };
            for outcome in &outcomes {
                let refused =
                    matches!(outcome, Outcome::Failed { code, .. } if code == "UNAVAILABLE");
                assert!(refused, "{client:?} meets {case}: {outcome:?}");
            }
            let after = Counts::of(rig.estate.service("orders").unwrap().admin).await;
            assert_eq!(
                after.unwrap().all_requests(),
                before.unwrap().all_requests(),
                "{client:?} meets {case}"
            );
        }
    }
}
