//! The orders of a customer, page by page.

use http::StatusCode;
use serde_json::Value;
use strata_tests::Rig;

use crate::{
    ORDERS,
    stores::{busiest, orders, place, plain},
};

/// Asks for a page; its orders and the token of the next.
async fn page(rig: &Rig, customer: &str, size: usize, token: &str) -> (Vec<Value>, String) {
    let path = format!("{ORDERS}?pageSize={size}&pageToken={token}");
    let edge = rig.edge("storefront").unwrap();
    let answer = edge
        .get(&path, &rig.token(customer).unwrap())
        .await
        .unwrap();
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let orders = answer.body["orders"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let next = answer.body["nextPageToken"].as_str().unwrap_or_default();
    (orders.iter().map(plain).collect(), next.to_owned())
}

/// Every page from a token on: how many orders each has, and all of them.
async fn pages(
    rig: &Rig,
    customer: &str,
    size: usize,
    mut token: String,
) -> (Vec<usize>, Vec<Value>) {
    let (mut sizes, mut all) = (Vec::new(), Vec::new());
    loop {
        let (orders, next) = page(rig, customer, size, &token).await;
        sizes.push(orders.len());
        all.extend(orders);
        if next.is_empty() {
            return (sizes, all);
        }
        assert_ne!(next, token, "the page leads to itself");
        token = next;
    }
}

async fn held(rig: &Rig, customer: &str) -> Vec<Value> {
    orders(rig, customer).await.iter().map(plain).collect()
}

pub(crate) async fn pages_hold_every_order_once_newest_first(rig: &mut Rig) {
    place(rig, "cus_000011", 45).await;
    for customer in ["cus_000011", "cus_000012"] {
        let held = held(rig, customer).await;
        for size in [1, 7, held.len() - 1, held.len(), 100] {
            let (sizes, seen) = pages(rig, customer, size, String::new()).await;
            assert_eq!(seen, held, "{customer} by {size}");
            assert_eq!(
                sizes.len(),
                held.len().div_ceil(size),
                "{customer} by {size}"
            );
        }
        // Without a size there are twenty.
        let (sizes, seen) = pages(rig, customer, 0, String::new()).await;
        assert_eq!(seen, held);
        assert_eq!(sizes[0], held.len().min(20));
    }
}

pub(crate) async fn an_order_placed_meanwhile_shifts_no_page(rig: &mut Rig) {
    let customer = "cus_000013";
    let before = held(rig, customer).await;
    let (mut seen, next) = page(rig, customer, 2, "").await;
    place(rig, customer, 3).await;
    seen.extend(pages(rig, customer, 2, next).await.1);
    assert_eq!(seen, before);
    assert_eq!(held(rig, customer).await.len(), before.len() + 3);
}

pub(crate) async fn a_page_token_of_another_shows_only_ones_own(rig: &mut Rig) {
    let busiest = busiest(rig).await;
    let (_, next) = page(rig, &busiest, 1, "").await;
    assert!(!next.is_empty());
    let held = held(rig, "cus_000014").await;
    let (_, seen) = pages(rig, "cus_000014", 100, next).await;
    assert!(seen.iter().all(|order| held.contains(order)));
}
