//! The account page, field by field against the customer master and the order book.

use http::StatusCode;
use serde_json::{Value, json};
use strata_tests::Rig;

use crate::{
    OVERVIEW,
    stores::{busiest, open, orders, place, plain, profile},
};

/// How many orders the totals count, and how many of them are shown: the contract says so.
const COUNTED: usize = 100;
const SHOWN: usize = 10;

/// What a customer must see, from the stores alone.
pub(crate) async fn expected(rig: &Rig, customer: &str) -> Value {
    let orders = orders(rig, customer).await;
    let counted = orders.get(..COUNTED).unwrap_or(&orders);
    let worth = counted.iter().filter(|order| {
        !["ORDER_STATUS_CANCELLED", "ORDER_STATUS_RETURNED"]
            .contains(&order["status"].as_str().unwrap())
    });
    let worth: i64 = worth
        .map(|order| {
            order["totalMinor"]
                .as_str()
                .unwrap()
                .parse::<i64>()
                .unwrap()
        })
        .sum();
    let newest = |field: &str| orders.first().map(|order| order[field].clone());
    json!({
        "profile": profile(rig, customer).await,
        "totals": {
            "orderCount": counted.len(),
            "lifetimeValueMinor": worth.to_string(),
            "currency": newest("currency"),
            "lastOrderAt": newest("placedAt"),
        },
        "recentOrders": orders.get(..SHOWN).unwrap_or(&orders),
    })
}

async fn assert_seen(rig: &Rig, customer: &str) -> Value {
    let edge = rig.edge("storefront").unwrap();
    let answer = edge
        .get(OVERVIEW, &rig.token(customer).unwrap())
        .await
        .unwrap();
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert_eq!(
        plain(&answer.body),
        plain(&expected(rig, customer).await),
        "{customer}"
    );
    plain(&answer.body)
}

pub(crate) async fn a_customer_sees_what_the_stores_hold(rig: &mut Rig) {
    let busiest = busiest(rig).await;
    for customer in [
        "cus_000001",
        "cus_000002",
        "cus_000499",
        "cus_001000",
        &busiest,
    ] {
        let seen = assert_seen(rig, customer).await;
        assert_eq!(seen["profile"]["customerId"], customer);
        assert!(!seen["recentOrders"].as_array().unwrap().is_empty());
    }
}

pub(crate) async fn a_customer_without_orders_sees_none(rig: &mut Rig) {
    let copied = "INSERT INTO customers SELECT 'cus_900001', given_name, family_name, email, phone, \
        street, city, postcode, country, birth_date, national_id, 0, 0, consent_updated_at, \
        loyalty_tier, region, created_at, access_needs, payment_account, brand FROM customers WHERE customer_id = 'cus_000001'";
    let mut store = open(rig, "customers").await;
    sqlx::query(copied).execute(&mut store).await.unwrap();
    let seen = assert_seen(rig, "cus_900001").await;
    assert_eq!(seen["recentOrders"], Value::Null);
}

pub(crate) async fn totals_count_the_latest_hundred_orders(rig: &mut Rig) {
    let before = assert_seen(rig, "cus_000007").await;
    place(rig, "cus_000007", 120).await;
    let after = assert_seen(rig, "cus_000007").await;
    assert!(before["totals"]["orderCount"].as_u64().unwrap() < 100);
    assert_eq!(after["totals"]["orderCount"], COUNTED);
}
