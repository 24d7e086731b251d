//! What the stores hold, read past the services, in the form of an answer. Defaults are left out on
//! both sides, as the protobuf JSON mapping allows, and times are seconds since 1970.

use serde_json::{Map, Value, json};
use sqlx::{Connection as _, Row as _, SqliteConnection, sqlite::SqliteConnectOptions};
use strata_tests::Rig;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// Opens the store of a System API.
pub(crate) async fn open(rig: &Rig, service: &str) -> SqliteConnection {
    let file = rig.store(service).unwrap();
    let options = SqliteConnectOptions::new().filename(file);
    SqliteConnection::connect_with(&options).await.unwrap()
}

/// What the customer master says of a customer.
pub(crate) async fn profile(rig: &Rig, customer: &str) -> Value {
    let row = sqlx::query("SELECT * FROM customers WHERE customer_id = ?1")
        .bind(customer)
        .fetch_one(&mut open(rig, "customers").await)
        .await
        .unwrap();
    let text = |column: &str| row.get::<String, _>(column);
    json!({
        "customerId": text("customer_id"),
        "fullName": format!("{} {}", text("given_name"), text("family_name")),
        "email": text("email"),
        "phone": text("phone"),
        "address": {
            "street": text("street"),
            "city": text("city"),
            "postcode": text("postcode"),
            "country": text("country"),
        },
        "marketingEmail": row.get::<bool, _>("consent_email"),
        "marketingPhone": row.get::<bool, _>("consent_phone"),
        "loyaltyTier": format!("LOYALTY_TIER_{}", text("loyalty_tier").to_uppercase()),
        "customerSince": row.get::<i64, _>("created_at"),
    })
}

/// What the customer master says of every customer of a brand, in id order, as a list shows them.
pub(crate) async fn summaries(rig: &Rig, brand: &str) -> Vec<Value> {
    let rows = sqlx::query("SELECT * FROM customers WHERE brand = ?1 ORDER BY customer_id")
        .bind(brand)
        .fetch_all(&mut open(rig, "customers").await)
        .await
        .unwrap();
    let summary = |row: &sqlx::sqlite::SqliteRow| {
        let text = |column: &str| row.get::<String, _>(column);
        json!({
            "customerId": text("customer_id"),
            "fullName": format!("{} {}", text("given_name"), text("family_name")),
            "email": text("email"),
            "region": text("region"),
        })
    };
    rows.iter().map(summary).collect()
}

/// What the order book says of a customer, newest first.
pub(crate) async fn orders(rig: &Rig, customer: &str) -> Vec<Value> {
    let mut store = open(rig, "orders").await;
    let rows = sqlx::query("SELECT * FROM orders WHERE customer_id = ?1 ORDER BY placed_at DESC")
        .bind(customer)
        .fetch_all(&mut store)
        .await
        .unwrap();
    let mut orders = Vec::new();
    for row in rows {
        let text = |column: &str| row.get::<String, _>(column);
        let lines =
            sqlx::query("SELECT * FROM order_lines WHERE order_id = ?1 ORDER BY line_number")
                .bind(text("order_id"))
                .fetch_all(&mut store)
                .await
                .unwrap();
        let lines = lines.iter().map(|line| {
            json!({
                "sku": line.get::<String, _>("sku"),
                "description": line.get::<String, _>("description"),
                "quantity": line.get::<i64, _>("quantity"),
                "unitPriceMinor": line.get::<i64, _>("unit_price_minor").to_string(),
            })
        });
        orders.push(json!({
            "orderId": text("order_id"),
            "status": format!("ORDER_STATUS_{}", text("status").to_uppercase()),
            "placedAt": row.get::<i64, _>("placed_at"),
            "currency": text("currency"),
            "totalMinor": row.get::<i64, _>("total_minor").to_string(),
            "lines": lines.collect::<Vec<_>>(),
        }));
    }
    orders
}

/// The customer with the most orders.
pub(crate) async fn busiest(rig: &Rig) -> String {
    let most = "SELECT customer_id FROM orders GROUP BY customer_id \
        ORDER BY count(*) DESC, customer_id LIMIT 1";
    let mut store = open(rig, "orders").await;
    let row = sqlx::query(most).fetch_one(&mut store).await.unwrap();
    row.get("customer_id")
}

/// Adds orders of a customer, each newer than any there is.
pub(crate) async fn place(rig: &Rig, customer: &str, count: u32) {
    let newest = "SELECT max(placed_at) AS at, max(order_id) AS id FROM orders";
    let order = "INSERT INTO orders SELECT ?1, customer_id, region, ?2, ?3, currency, ?4, \
        ship_to_postcode, brand FROM orders WHERE customer_id = ?5 LIMIT 1";
    let line = "INSERT INTO order_lines VALUES (?1, ?2, 'TEST-1', ?3, 1, ?4)";
    let statuses = [
        "placed",
        "paid",
        "shipped",
        "delivered",
        "returned",
        "cancelled",
    ];
    let mut store = open(rig, "orders").await;
    let row = sqlx::query(newest).fetch_one(&mut store).await.unwrap();
    let (at, id): (i64, String) = (row.get("at"), row.get("id"));
    let id: u32 = id.strip_prefix("ord_").unwrap().parse().unwrap();
    let mut all = store.begin().await.unwrap();
    for (number, status) in (1..=count).zip(statuses.into_iter().cycle()) {
        let id = format!("ord_{:08}", id + number);
        // Above what a JSON number holds exactly.
        let price = 9_007_199_254_740_993 + i64::from(number);
        sqlx::query(order)
            .bind(&id)
            .bind(status)
            .bind(at + i64::from(number))
            .bind(2 * price)
            .bind(customer)
            .execute(&mut *all)
            .await
            .unwrap();
        for place in [1, 2] {
            sqlx::query(line)
                .bind(&id)
                .bind(place)
                .bind("Crème \"brûlée\" \\ 'für' ☕")
                .bind(price)
                .execute(&mut *all)
                .await
                .unwrap();
        }
    }
    all.commit().await.unwrap();
}

/// An answer or an expectation in the one form both are compared in.
pub(crate) fn plain(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let members = members
                .iter()
                .map(|(name, value)| (name.clone(), moment(name, value)));
            Value::Object(
                members
                    .filter(|(_, value)| !is_default(value))
                    .collect::<Map<_, _>>(),
            )
        }
        Value::Array(items) => Value::Array(items.iter().map(plain).collect()),
        other => other.clone(),
    }
}

fn moment(name: &str, value: &Value) -> Value {
    match value.as_str() {
        Some(text) if name.ends_with("At") || name.ends_with("Since") => {
            json!(
                OffsetDateTime::parse(text, &Rfc3339)
                    .unwrap()
                    .unix_timestamp()
            )
        }
        _ => plain(value),
    }
}

fn is_default(value: &Value) -> bool {
    [
        json!(false),
        json!(0),
        json!("0"),
        json!(""),
        json!([]),
        Value::Null,
    ]
    .contains(value)
}
