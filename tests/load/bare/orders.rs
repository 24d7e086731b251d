//! The order book, bare.

use anyhow::Result;
use pbjson_types::Timestamp;
use proto_system_orders::v1::{
    ListOrdersRequest, ListOrdersResponse, Order, OrderLine, OrderStatus,
};
use sqlx::{FromRow, Row as _, SqlitePool, sqlite::SqliteRow};
use strata_core::Layer;
use tonic::Status;

use super::{customers::pool, material, wire};

const LIST: &str = "SELECT * FROM orders \
     WHERE customer_id = ?1 AND (?2 = '' OR order_id < ?2) \
     ORDER BY order_id DESC LIMIT ?3";

const LINES: &str = "SELECT * FROM order_lines \
     WHERE order_id IN (SELECT value FROM json_each(?1)) ORDER BY order_id DESC, line_number";

pub(super) async fn serve() -> Result<()> {
    let material = material(Layer::System, "orders")?;
    let pool = pool().await?;
    let method = "/system.orders.v1.OrdersService/ListOrders";
    wire::grpc(&material, method, move |request| {
        answer(pool.clone(), request)
    })
    .await
}

async fn answer(
    pool: SqlitePool,
    request: ListOrdersRequest,
) -> Result<ListOrdersResponse, Status> {
    let listed = list(&pool, request).await;
    let orders = listed.map_err(|_| Status::internal("the store failed"))?;
    Ok(ListOrdersResponse {
        orders,
        next_page_token: String::new(),
    })
}

async fn list(pool: &SqlitePool, request: ListOrdersRequest) -> Result<Vec<Order>, sqlx::Error> {
    let rows: Vec<OrderRow> = sqlx::query_as(LIST)
        .bind(request.customer_id)
        .bind(request.page_token)
        .bind(request.page_size + 1)
        .fetch_all(pool)
        .await?;
    let mut orders: Vec<Order> = rows.into_iter().map(|OrderRow(order)| order).collect();
    if orders.is_empty() {
        return Ok(orders);
    }
    let ids: serde_json::Value = orders.iter().map(|order| order.order_id.as_str()).collect();
    let lines: Vec<LineRow> = sqlx::query_as(LINES)
        .bind(ids.to_string())
        .fetch_all(pool)
        .await?;
    let mut lines = lines.into_iter().peekable();
    for order in &mut orders {
        while let Some(row) = lines.next_if(|row| row.order_id == order.order_id) {
            order.lines.push(row.line);
        }
    }
    Ok(orders)
}

struct OrderRow(Order);

impl FromRow<'_, SqliteRow> for OrderRow {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        let status = match row.try_get("status")? {
            "placed" => OrderStatus::Placed,
            "paid" => OrderStatus::Paid,
            "shipped" => OrderStatus::Shipped,
            "delivered" => OrderStatus::Delivered,
            "returned" => OrderStatus::Returned,
            _ => OrderStatus::Cancelled,
        };
        Ok(Self(Order {
            order_id: row.try_get("order_id")?,
            customer_id: row.try_get("customer_id")?,
            region: row.try_get("region")?,
            status: status.into(),
            placed_at: Some(Timestamp {
                seconds: row.try_get("placed_at")?,
                nanos: 0,
            }),
            currency: row.try_get("currency")?,
            total_minor: row.try_get("total_minor")?,
            ship_to_postcode: row.try_get("ship_to_postcode")?,
            lines: Vec::new(),
            brand: row.try_get("brand")?,
        }))
    }
}

struct LineRow {
    order_id: String,
    line: OrderLine,
}

impl FromRow<'_, SqliteRow> for LineRow {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            order_id: row.try_get("order_id")?,
            line: OrderLine {
                line_number: row.try_get("line_number")?,
                sku: row.try_get("sku")?,
                description: row.try_get("description")?,
                quantity: row.try_get("quantity")?,
                unit_price_minor: row.try_get("unit_price_minor")?,
            },
        })
    }
}
