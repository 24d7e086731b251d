//! What a System API does for what is another brand's, and for what is not there.

use std::fs;

use prost::Message as _;
use proto_system_customers::v1::{SearchCustomersRequest, UpdateContactRequest};
use proto_system_orders::v1::{GetOrderRequest, ListOrdersRequest, ListOrdersResponse};
use serde_json::Value;
use sqlx::Row as _;
use strata_core::Principal;
use strata_tests::{Instance, Rig, TENANT};
use tempfile::TempDir;

use crate::{
    folder::copy_of,
    release::{GET, call, get},
    stores::{open, place},
    tenants::{ANOTHERS, MISSING, OTHER, OWN},
};

const SEARCH: &str = "/system.customers.v1.CustomersService/SearchCustomers";
const UPDATE: &str = "/system.customers.v1.CustomersService/UpdateContact";
const GET_ORDER: &str = "/system.orders.v1.OrdersService/GetOrder";
const LIST_ORDERS: &str = "/system.orders.v1.OrdersService/ListOrders";

/// A System API of which every statement is told, one after another. Its caller may call each method.
async fn telling(rig: &Rig, service: &str) -> (Instance, TempDir) {
    let folder = copy_of(rig, service);
    let policy = folder.path().join("policy/callers.toml");
    let text = fs::read_to_string(&policy).unwrap();
    fs::write(
        &policy,
        text.replace("[\"ListOrders\"", "[\"GetOrder\", \"ListOrders\""),
    )
    .unwrap();
    let launch = rig.another(service).unwrap().folder(folder.path());
    let launch = launch
        .set("STRATA_TELEMETRY__LOG_FORMAT", "json")
        .set("STRATA_TELEMETRY__LOG_FILTER", "info,sqlx::query=debug")
        .set("STRATA_DATABASE__MAX_CONNECTIONS", "1");
    (launch.start().await.unwrap(), folder)
}

/// Its statements, in their order.
fn statements(process: &Instance) -> Vec<String> {
    let log = process.log();
    let lines = log.lines().map(serde_json::from_str::<Value>);
    let text = |line: Value| {
        let whole = line.get("db.statement")?.as_str()?;
        let short = line.get("summary")?.as_str()?;
        Some(
            if whole.is_empty() { short } else { whole }
                .trim()
                .to_owned(),
        )
    };
    lines.filter_map(|line| text(line.ok()?)).collect()
}

fn update(customer: &str) -> Vec<u8> {
    UpdateContactRequest {
        customer_id: customer.to_owned(),
        email: Some("mine@example.com".to_owned()),
        phone: None,
        idempotency_key: format!("tenants-{customer}"),
    }
    .encode_to_vec()
}

fn order(order_id: &str) -> Vec<u8> {
    let order_id = order_id.to_owned();
    GetOrderRequest { order_id }.encode_to_vec()
}

fn list(customer: &str) -> Vec<u8> {
    ListOrdersRequest {
        customer_id: customer.to_owned(),
        page_size: 100,
        page_token: String::new(),
    }
    .encode_to_vec()
}

/// The oldest order of a customer.
async fn oldest(rig: &Rig, customer: &str) -> String {
    let row = sqlx::query("SELECT min(order_id) AS order_id FROM orders WHERE customer_id = ?1")
        .bind(customer)
        .fetch_one(&mut open(rig, "orders").await)
        .await;
    row.unwrap().get("order_id")
}

pub(crate) async fn what_is_of_another_brand_costs_what_is_missing_costs(rig: &mut Rig) {
    let agent = Principal {
        roles: vec!["agent".to_owned()],
        ..rig.principal("agent-7")
    };
    let (own, anothers) = (oldest(rig, OWN).await, oldest(rig, ANOTHERS).await);
    let search = SearchCustomersRequest::default().encode_to_vec();
    for (service, method, requests, (fence, between)) in [
        (
            "customers",
            GET,
            [OWN, ANOTHERS, MISSING].map(|id| get(id.to_owned())),
            (SEARCH, search.clone()),
        ),
        (
            "customers",
            UPDATE,
            // Somebody else's contact: no other test's customer.
            ["cus_000057", "cus_000053", MISSING].map(update),
            (SEARCH, search),
        ),
        (
            "orders",
            GET_ORDER,
            [&own, &anothers, "ord_99999999"].map(order),
            (LIST_ORDERS, list("nobody")),
        ),
        (
            "orders",
            LIST_ORDERS,
            [OWN, ANOTHERS, MISSING].map(list),
            (GET_ORDER, order("none")),
        ),
    ] {
        let (process, _folder) = telling(rig, service).await;
        let from = ("customer-overview", process.address);
        let ask = async |method, message| {
            let answer = call(rig, from, method, &agent, message).await;
            answer.map_err(|status| (status.code(), status.message().to_owned()))
        };
        // After it all that the one connection did before is told.
        let fenced = async || {
            let _answered = ask(fence, between.clone()).await;
            statements(&process)
        };
        let (mut answers, mut costs, mut before) = (Vec::new(), Vec::new(), fenced().await.len());
        for message in requests {
            answers.push(ask(method, message).await);
            let all = fenced().await;
            let of_fence = |statement: &&String| !is_of(fence, statement);
            costs.push(
                all[before..]
                    .iter()
                    .filter(of_fence)
                    .cloned()
                    .collect::<Vec<_>>(),
            );
            before = all.len();
        }
        let [reached, hidden, missing] = answers.try_into().unwrap();
        assert!(reached.is_ok(), "{method}: {reached:?}");
        assert_eq!(hidden, missing, "{method}: another brand's is answered");
        let [reached, hidden, missing] = costs.try_into().unwrap();
        assert!(!reached.is_empty(), "{method}: no statement is told");
        assert_eq!(hidden, missing, "{method}: another brand's costs more");
    }
}

/// Whether a statement is one of those that `fence` makes, and no other method does.
fn is_of(fence: &str, statement: &str) -> bool {
    match fence {
        SEARCH => statement.contains("instr("),
        LIST_ORDERS => statement.contains("ORDER BY order_id DESC LIMIT"),
        _ => statement.ends_with("WHERE order_id = ?1"),
    }
}

/// A page is one customer's, and so of one brand. Where a store says otherwise, nothing of it is shown.
pub(crate) async fn one_order_of_another_brand_closes_its_page(rig: &mut Rig) {
    let customer = "cus_000017";
    let agent = Principal {
        roles: vec!["agent".to_owned()],
        ..rig.principal("agent-7")
    };
    let running = rig.estate.service("orders").unwrap();
    let from = ("customer-overview", running.address);
    let listed = async || {
        let answer = call(rig, from, LIST_ORDERS, &agent, list(customer)).await;
        let page = ListOrdersResponse::decode(answer.unwrap()).unwrap();
        page.orders.len()
    };
    place(rig, customer, 2).await;
    assert!(listed().await >= 3);
    // The last on its page: what was decided about those before it does not do.
    let oldest = oldest(rig, customer).await;
    let mut store = open(rig, "orders").await;
    let mut place_at = async |brand: &str| {
        let update = "UPDATE orders SET brand = ?1 WHERE order_id = ?2";
        let update = sqlx::query(update).bind(brand).bind(&oldest);
        update.execute(&mut store).await.unwrap();
    };
    place_at(OTHER).await;
    let with_another = listed().await;
    place_at(TENANT).await;
    assert_eq!(with_another, 0, "another brand's order is listed");
    assert!(listed().await >= 3);
}
