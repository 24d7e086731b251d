//! What comes in from outside says nothing of who somebody is but by its token, and the token goes
//! no further than the edge.

use http::{HeaderMap, StatusCode, header::AUTHORIZATION};
use jsonwebtoken::dangerous::insecure_decode_claims;
use serde_json::Value;
use strata_testkit::Credential;
use strata_tests::{Answer, Rig, StandIn};

const OVERVIEW: &str = "/v1/me/overview";

fn customer(answer: &Answer) -> &Value {
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    &answer.body["profile"]["customerId"]
}

/// The headers of somebody who claims to be `customer`, and has even come by a token of the estate.
fn forged(rig: &Rig, customer: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let storefront = &rig.estate.service("storefront").unwrap().id;
    rig.act_for(&rig.principal(customer), storefront, &mut headers)
        .unwrap();
    headers.insert("strata-anything", customer.parse().unwrap());
    headers
}

pub(crate) async fn a_forged_principal_is_stripped(rig: &mut Rig) {
    let edge = rig.edge("storefront").unwrap();
    let mine = rig.token("cus_000001").unwrap();
    let other = rig.token("cus_000002").unwrap();
    let honest = edge.get(OVERVIEW, &mine).await.unwrap();
    assert_eq!(customer(&honest), "cus_000001");
    assert_eq!(
        customer(&edge.get(OVERVIEW, &other).await.unwrap()),
        "cus_000002"
    );

    let claims = forged(rig, "cus_000002");
    let asked = edge.send(OVERVIEW, |mut request| {
        for (name, value) in &claims {
            request = request.header(name, value);
        }
        request.header(AUTHORIZATION, format!("Bearer {mine}"))
    });
    assert_eq!(asked.await.unwrap().body, honest.body);
    // Nor is a claim instead of a token one.
    let asked = edge.send(OVERVIEW, |mut request| {
        for (name, value) in &claims {
            request = request.header(name, value);
        }
        request
    });
    assert!(asked.await.unwrap().is_problem(StatusCode::UNAUTHORIZED));
}

/// A stand-in for the Process API keeps what the edge sends it.
pub(crate) async fn the_access_token_goes_no_further_than_the_edge(rig: &mut Rig) {
    let callee = &rig.estate.service("customer-overview").unwrap().id;
    let credential = Credential::honest(rig.estate.pki(), callee).unwrap();
    let stand_in = StandIn::start(&credential).await.unwrap();
    let launch = rig.another("storefront").unwrap();
    let launch = launch.upstream("customer-overview", stand_in.address);
    let storefront = launch.start().await.unwrap();
    let edge = rig.edge("storefront").unwrap().at(storefront.address);

    let token = rig.token("cus_000001").unwrap();
    let claims = forged(rig, "cus_000002");
    let asked = edge.send(OVERVIEW, |mut request| {
        for (name, value) in &claims {
            request = request.header(name, value);
        }
        request
            .header(AUTHORIZATION, format!("Bearer {token}"))
            .header("cookie", "session=1")
    });
    assert!(asked.await.unwrap().is_problem(StatusCode::NOT_FOUND));

    let received = stand_in.received();
    let [headers] = received.as_slice() else {
        panic!("{} requests", received.len());
    };
    assert!(headers.contains_key("traceparent"));
    for gone in ["authorization", "cookie", "strata-anything"] {
        assert!(!headers.contains_key(gone), "{gone}");
    }
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        for part in token.split('.') {
            assert!(!value.contains(part), "{name}");
        }
    }
    let sent = headers["txn-token"].to_str().unwrap();
    let said: Value = insecure_decode_claims(sent).unwrap();
    assert_eq!(said["sub"], "cus_000001");
    // What the route needs, of all that the access token has.
    assert_eq!(said["scope"], "overview:read orders:read");
}
