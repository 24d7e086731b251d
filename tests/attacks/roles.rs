//! Each method of the Experience APIs by each role: who is answered and who is not.

use std::collections::BTreeSet;

use http::StatusCode;
use serde_json::json;
use strata_core::Layer;
use strata_tests::{Answer, Counts, Rig, TENANT};

use crate::{CONTACT, OVERVIEW};

const CUSTOMER: &str = "cus_000001";

/// Users, each of a token with every scope.
const USERS: [(&str, &[&str], Option<&str>); 7] = [
    ("a customer", &["customer"], Some("uk")),
    ("an agent", &["agent"], Some("uk")),
    ("a supervisor", &["agent", "supervisor"], Some("uk")),
    ("a supervisor who is no agent", &["supervisor"], Some("uk")),
    ("an agent of no region", &["agent"], None),
    ("a visitor", &["visitor"], Some("uk")),
    ("a user of no role", &[], Some("uk")),
];

/// A method, its path, and what each of the users is answered, in the order above.
struct Row(&'static str, &'static str, &'static str, [u16; 7]);

/// At the storefront everybody is served what is their own, whatever their roles. At the desk agents are,
/// within their region.
const TABLE: [Row; 7] = [
    Row("storefront", "GetMyOverview", OVERVIEW, [200; 7]),
    Row("storefront", "ListMyOrders", "/v1/me/orders", [200; 7]),
    Row("storefront", "ListMyOrders", "/v2/me/orders", [200; 7]),
    Row("storefront", "UpdateMyContact", CONTACT, [200; 7]),
    Row(
        "storefront",
        "StreamMyOrders",
        "/v1/me/orders.ndjson",
        [200; 7],
    ),
    Row(
        "support-desk",
        "GetCustomerOverview",
        "/v1/customers/cus_000001/overview",
        [403, 200, 200, 403, 404, 403, 403],
    ),
    Row(
        "support-desk",
        "SearchCustomers",
        "/v1/customers?query=a",
        [403, 200, 200, 403, 403, 403, 403],
    ),
];

async fn ask(rig: &Rig, service: &str, path: &str, token: &str) -> Answer {
    let edge = rig.edge(service).unwrap();
    let answer = match path {
        CONTACT => {
            let change = json!({ "phone": "+447700900901", "idempotencyKey": "roles" });
            edge.patch(path, token, &change).await
        }
        _ => edge.get(path, token).await,
    };
    answer.unwrap()
}

pub(crate) async fn each_role_gets_what_the_table_says(rig: &mut Rig) {
    for service in ["storefront", "support-desk"] {
        let methods = rig.contracts.methods(Layer::Experience, service).iter();
        let methods: BTreeSet<_> = methods.map(|method| method.name.as_str()).collect();
        let rows = TABLE.iter().filter(|row| row.0 == service);
        let listed: BTreeSet<_> = rows.map(|row| row.1).collect();
        assert_eq!(listed, methods, "{service}: each method has its row");
    }
    let behind = rig.estate.service("customer-overview").unwrap().admin;
    for Row(service, method, path, answers) in &TABLE {
        let admin = rig.estate.service(service).unwrap().admin;
        for ((who, roles, region), status) in USERS.iter().zip(answers) {
            // Who has no customer's role still is a customer of the store.
            let user = if *service == "storefront" {
                CUSTOMER
            } else {
                "agent-7"
            };
            let token = rig.token_in(user, roles, *region, Some(TENANT)).unwrap();
            let further = Counts::of(behind).await.unwrap().all_requests();
            let before = Counts::of(admin).await.unwrap();
            let answer = ask(rig, service, path, &token).await;
            let what = format!("{who} asks for {method} at {path}");
            assert_eq!(answer.status.as_u16(), *status, "{what}: {answer:?}");
            if *status != 403 {
                continue;
            }
            assert!(answer.is_problem(StatusCode::FORBIDDEN), "{what}");
            let after = Counts::of(admin).await.unwrap();
            let told = |counts: &Counts| counts.events("policy_denied", "not_permitted");
            assert_eq!(told(&after), told(&before) + 1, "{what}");
            let now = Counts::of(behind).await.unwrap().all_requests();
            assert_eq!(now, further, "{what}: it went further");
        }
    }
}
