//! All orders of a customer in one answer, through every layer.

use std::collections::BTreeSet;

use bytes::Bytes;
use http::StatusCode;
use prost::Message as _;
use proto_process_customer_overview::v1::{Order, StreamOrdersRequest};
use serde_json::Value;
use strata_testkit::{Credential, Probe};
use strata_tests::Rig;
use tonic::{Request, Streaming};

use crate::{
    STREAM,
    stores::{open, orders, place, plain},
};

/// More than every buffer between the store and a client holds: orders, and bytes of each.
const MANY: u32 = 1_000;
const LARGE: u32 = 30_000;

/// Asks the Process API as `user`: through two hops, and no faster than messages are taken.
async fn stream(rig: &Rig, user: &str, customer: &str) -> Streaming<Bytes> {
    let caller = &rig.estate.service("storefront").unwrap().id;
    let callee = rig.estate.service("customer-overview").unwrap();
    let credential = Credential::honest(rig.estate.pki(), caller).unwrap();
    let message = StreamOrdersRequest {
        customer_id: customer.to_owned(),
    };
    let mut request = Request::new(Bytes::from(message.encode_to_vec()));
    let mut user = rig.principal(user);
    user.roles = vec!["customer".to_owned()];
    rig.act_for(&user, caller, request.metadata_mut().as_mut())
        .unwrap();
    let mut probe = Probe::new(rig.estate.pki(), callee.address, &credential).unwrap();
    let path = "/process.customer_overview.v1.CustomerOverviewService/StreamOrders";
    probe.stream(path, request).await.unwrap()
}

async fn next(orders: &mut Streaming<Bytes>) -> Option<String> {
    let order = orders.message().await.unwrap()?;
    Some(Order::decode(order).unwrap().order_id)
}

pub(crate) async fn a_stream_holds_every_order_once_newest_first(rig: &mut Rig) {
    place(rig, "cus_000041", 120).await;
    let edge = rig.edge("storefront").unwrap();
    for customer in ["cus_000041", "cus_000042"] {
        let token = rig.token(customer).unwrap();
        let answer = edge.get(STREAM, &token).await.unwrap();
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        assert_eq!(answer.headers["content-type"], "application/x-ndjson");
        let held = orders(rig, customer).await;
        assert_eq!(
            plain(&answer.body),
            plain(&Value::Array(held)),
            "{customer}"
        );
    }
    let stranger = rig.token("cus_800000").unwrap();
    let nobody = edge.get(STREAM, &stranger).await.unwrap();
    assert_eq!(
        (nobody.status, nobody.body),
        (StatusCode::OK, Value::Array(Vec::new()))
    );
}

pub(crate) async fn a_stream_of_anothers_orders_is_empty(rig: &mut Rig) {
    assert!(
        next(&mut stream(rig, "cus_000043", "cus_000043").await)
            .await
            .is_some()
    );
    assert_eq!(
        next(&mut stream(rig, "cus_000043", "cus_000044").await).await,
        None
    );
}

/// What is deleted while a client dawdles is not in its stream: so it was not read before.
pub(crate) async fn nothing_is_read_that_nobody_takes(rig: &mut Rig) {
    let customer = "cus_000045";
    place(rig, customer, MANY).await;
    let mut store = open(rig, "orders").await;
    let of_customer = "order_id IN (SELECT order_id FROM orders WHERE customer_id = ?1)";
    let swell = "UPDATE order_lines SET description = hex(zeroblob(?2)) WHERE ";
    sqlx::query(sqlx::AssertSqlSafe(format!("{swell}{of_customer}")))
        .bind(customer)
        .bind(LARGE / 4)
        .execute(&mut store)
        .await
        .unwrap();
    let held: Vec<String> = orders(rig, customer)
        .await
        .iter()
        .map(|order| order["orderId"].as_str().unwrap().to_owned())
        .collect();
    let (kept, oldest) = held.split_at(held.len() - 100);

    let mut taken = stream(rig, customer, customer).await;
    let mut seen = vec![next(&mut taken).await.unwrap()];
    for table in ["order_lines", "orders"] {
        for order in oldest {
            let delete = format!("DELETE FROM {table} WHERE order_id = ?1");
            sqlx::query(sqlx::AssertSqlSafe(delete))
                .bind(order)
                .execute(&mut store)
                .await
                .unwrap();
        }
    }
    while let Some(order) = next(&mut taken).await {
        seen.push(order);
    }
    let seen_late: BTreeSet<_> = seen.iter().filter(|order| oldest.contains(order)).collect();
    assert!(seen_late.is_empty(), "read ahead: {seen_late:?}");
    assert_eq!(seen, kept);
}
