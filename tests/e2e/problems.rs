//! What a client is told when it asks wrongly.

use std::collections::BTreeSet;

use http::{Method, StatusCode, header::AUTHORIZATION};
use serde_json::json;
use strata_core::Layer;
use strata_tests::{Answer, Counts, Rig};

use crate::{CONTACT, ORDERS, OVERVIEW, STREAM, versions::ORDERS_V2};

/// Every method of an Experience API, as a user asks for it who may.
const STOREFRONT: [(&str, &str); 5] = [
    ("GetMyOverview", OVERVIEW),
    ("ListMyOrders", ORDERS),
    ("ListMyOrders", ORDERS_V2),
    ("UpdateMyContact", CONTACT),
    ("StreamMyOrders", STREAM),
];
const DESK: [(&str, &str); 2] = [
    ("GetCustomerOverview", "/v1/customers/cus_000001/overview"),
    ("SearchCustomers", "/v1/customers?query=a"),
];

pub(crate) async fn a_request_without_every_scope_is_refused(rig: &mut Rig) {
    let customer = |scopes: &BTreeSet<String>| rig.token_with("cus_000001", scopes).unwrap();
    assert_every_scope_is_needed(rig, "storefront", &STOREFRONT, customer).await;
    let agent = |scopes: &BTreeSet<String>| rig.agent_token_with(Some("uk"), scopes).unwrap();
    assert_every_scope_is_needed(rig, "support-desk", &DESK, agent).await;
}

async fn assert_every_scope_is_needed(
    rig: &Rig,
    service: &str,
    routes: &[(&str, &str)],
    token: impl Fn(&BTreeSet<String>) -> String,
) {
    let edge = rig.edge(service).unwrap();
    let process = rig.estate.service("customer-overview").unwrap();
    let methods = rig.contracts.methods(Layer::Experience, service);
    assert_eq!(methods.len(), routes.len());
    let change = json!({ "phone": "+447700900999", "idempotencyKey": "scopes" });
    for (name, route) in routes {
        let method = methods.iter().find(|method| method.name == *name).unwrap();
        let ask = async |scopes: &BTreeSet<String>| {
            let token = token(scopes);
            let answer = match *route {
                CONTACT => edge.patch(route, &token, &change).await,
                _ => edge.get(route, &token).await,
            };
            answer.unwrap()
        };
        assert_eq!(ask(&method.scopes).await.status, StatusCode::OK, "{route}");
        let calls = Counts::of(process.admin).await.unwrap().all_requests();
        assert!(!method.scopes.is_empty());
        for missing in &method.scopes {
            let mut others = rig.contracts.scopes();
            others.remove(missing);
            let answer = ask(&others).await;
            assert!(
                answer.is_problem(StatusCode::FORBIDDEN),
                "{missing}: {answer:?}"
            );
            assert_eq!(answer.body["code"], "PERMISSION_DENIED");
            let challenge = answer.headers["www-authenticate"].to_str().unwrap();
            assert!(challenge.starts_with("Bearer error=\"insufficient_scope\", scope=\""));
            assert!(challenge.contains(missing), "{challenge}");
        }
        assert!(
            ask(&BTreeSet::new())
                .await
                .is_problem(StatusCode::FORBIDDEN)
        );
        let now = Counts::of(process.admin).await.unwrap().all_requests();
        assert_eq!(now, calls, "{route}: a refused request went further");
    }
}

pub(crate) async fn what_does_not_exist_is_not_found(rig: &mut Rig) {
    let edge = rig.edge("storefront").unwrap();
    let token = rig.token("cus_000001").unwrap();
    assert_eq!(
        edge.get(OVERVIEW, &token).await.unwrap().status,
        StatusCode::OK
    );
    for path in [
        "/",
        "/v1/me",
        "/v1/me/overview/",
        "/v1/me/Overview",
        "/v2/me/overview",
        "/metrics",
        "/livez",
    ] {
        let answer = edge.get(path, &token).await.unwrap();
        assert!(
            answer.is_problem(StatusCode::NOT_FOUND),
            "{path}: {answer:?}"
        );
    }
    for verb in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
        let asked = edge.send(OVERVIEW, |request| {
            let request = request.method(verb.clone());
            request.header(AUTHORIZATION, format!("Bearer {token}"))
        });
        let answer = asked.await.unwrap();
        assert!(
            answer.is_problem(StatusCode::METHOD_NOT_ALLOWED),
            "{verb}: {answer:?}"
        );
    }
    // Whoever is not known learns not even that.
    for path in ["/v1/me", OVERVIEW] {
        let answer = edge.send(path, |request| request).await.unwrap();
        assert!(
            answer.is_problem(StatusCode::UNAUTHORIZED),
            "{path}: {answer:?}"
        );
    }
    // A token of nobody the stores know.
    let stranger = rig.token("cus_800000").unwrap();
    let answer = edge.get(OVERVIEW, &stranger).await.unwrap();
    assert!(answer.is_problem(StatusCode::NOT_FOUND), "{answer:?}");
}

/// Whether a problem names a field and what it must be, and nowhere the value it had.
fn names(answer: &Answer, path: &str, value: &str) -> bool {
    let errors = answer.body["errors"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let named = errors.iter().any(|error| {
        error["path"] == json!(path) && error["message"].as_str().is_some_and(|m| !m.is_empty())
    });
    named && !repeats(answer, value)
}

/// Whether a problem holds a value, its trace id aside: that holds any digits.
fn repeats(answer: &Answer, value: &str) -> bool {
    let mut body = answer.body.clone();
    body.as_object_mut().unwrap().remove("trace_id");
    body.to_string().contains(value)
}

pub(crate) async fn a_wrong_query_is_named_and_not_repeated(rig: &mut Rig) {
    let edge = rig.edge("storefront").unwrap();
    let token = rig.token("cus_000001").unwrap();
    let honest = edge
        .get(&format!("{ORDERS}?pageSize=5"), &token)
        .await
        .unwrap();
    assert_eq!(honest.status, StatusCode::OK);
    for (query, path, value) in [
        ("pageSize=abcxyz", "pageSize", "abcxyz"),
        ("pageSize=-17171", "pageSize", "17171"),
        ("pageSize=17171.5", "pageSize", "17171"),
        ("pageSize=99999999999999", "pageSize", "99999999999999"),
        ("pageSize=5&pageSize=7171", "pageSize", "7171"),
        ("customerId=cus_000002", "customerId", "cus_000002"),
        ("pageSise=5&secret=hunter2", "pageSise", "hunter2"),
    ] {
        let answer = edge
            .get(&format!("{ORDERS}?{query}"), &token)
            .await
            .unwrap();
        assert!(
            answer.is_problem(StatusCode::BAD_REQUEST),
            "{query}: {answer:?}"
        );
        assert!(names(&answer, path, value), "{query}: {answer:?}");
    }
    // What only the System API knows is wrong is named as the client knows it.
    for (query, field, value) in [
        ("pageSize=101", "pageSize", "101"),
        ("pageSize=7171", "pageSize", "7171"),
        ("pageToken=cmFuZG9t%21xyz", "pageToken", "xyz"),
    ] {
        let answer = edge
            .get(&format!("{ORDERS}?{query}"), &token)
            .await
            .unwrap();
        assert!(
            answer.is_problem(StatusCode::BAD_REQUEST),
            "{query}: {answer:?}"
        );
        assert!(names(&answer, field, value), "{query}: {answer:?}");
    }
}
