//! The one file that names the system of record: an SQLite file this service owns.

use std::path::Path;

use futures_util::{Stream, TryStreamExt as _, stream};
use sqlx::{FromRow, Row, SqlitePool, sqlite::SqliteRow};
use strata_core::{Call, Error, Unchecked};
use strata_service::Database;
use strata_store::{Page, PageRequest, StoreError, map};

use crate::domain::{Line, Order, Status};

const GET: &str = "SELECT * FROM orders WHERE order_id = ?1";

/// Newest first; the empty key of a first page sorts before every id, hence the second test.
const LIST: &str = "SELECT * FROM orders \
     WHERE customer_id = ?1 AND (?2 = '' OR order_id < ?2) \
     ORDER BY order_id DESC LIMIT ?3";

/// The lines of several orders in one statement: ids come as a JSON array.
const LINES: &str = "SELECT * FROM order_lines \
     WHERE order_id IN (SELECT value FROM json_each(?1)) ORDER BY order_id DESC, line_number";

/// Orders read at once for a stream.
const STREAMED_PAGE: u32 = 50;

const INSERT: &str = "INSERT INTO orders \
     (order_id, customer_id, region, status, placed_at, currency, total_minor, ship_to_postcode, brand) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";

const INSERT_LINE: &str = "INSERT INTO order_lines \
     (order_id, line_number, sku, description, quantity, unit_price_minor) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6)";

/// The orders database.
#[derive(Clone)]
pub(crate) struct Store {
    pool: SqlitePool,
}

impl Store {
    /// Opens the database and brings its schema up to date.
    ///
    /// # Errors
    /// [`StoreError`] naming what to check.
    pub(crate) async fn open(database: &Database) -> Result<Self, StoreError> {
        Ok(Self {
            pool: strata_store::open(database, Path::new("migrations")).await?,
        })
    }

    /// One order with its lines.
    ///
    /// # Errors
    /// `NotFound`, or what the store's failure maps to.
    pub(crate) async fn get(&self, id: &str, call: &Call) -> Result<Order, Error> {
        let row = sqlx::query_as(GET).bind(id).fetch_optional(&self.pool);
        let mut order = Unchecked::new(row.await.map_err(map)?).open(call)?;
        self.fill_lines(std::slice::from_mut(&mut order)).await?;
        Ok(order)
    }

    /// A customer's orders with their lines, newest first. A page is one customer's: either all of it
    /// may be seen or none. Somebody else's orders look like none, next page included, and cost as much.
    ///
    /// # Errors
    /// What the store's failure maps to.
    pub(crate) async fn list(
        &self,
        customer_id: &str,
        request: &PageRequest,
        call: &Call,
    ) -> Result<Page<Order>, Error> {
        let rows = sqlx::query_as(LIST)
            .bind(customer_id)
            .bind(request.after().unwrap_or_default())
            .bind(request.fetch_limit())
            .fetch_all(&self.pool)
            .await
            .map_err(map)?;
        if !call.may_reach_all(&rows) {
            return Ok(request.page(Vec::new(), |order: &Order| &order.id));
        }
        let mut page = request.page(rows, |order: &Order| &order.id);
        self.fill_lines(&mut page.items).await?;
        Ok(page)
    }

    /// All of a customer's orders with their lines, newest first, as [`Self::list`] has them: the next
    /// page is read when the one before has been taken. Ends with an error when a page cannot be read.
    pub(crate) fn stream(
        self,
        customer_id: String,
        call: Call,
    ) -> impl Stream<Item = Result<Order, Error>> {
        let pages = stream::try_unfold(Some(String::new()), move |token| {
            let (store, customer_id, call) = (self.clone(), customer_id.clone(), call.clone());
            async move {
                let Some(token) = token else {
                    return Ok::<_, Error>(None);
                };
                let request = PageRequest::new(STREAMED_PAGE, &token)?;
                let page = store.list(&customer_id, &request, &call).await?;
                let next = Some(page.next_page_token).filter(|token| !token.is_empty());
                Ok(Some((page.items, next)))
            }
        });
        pages
            .map_ok(|orders| stream::iter(orders.into_iter().map(Ok)))
            .try_flatten()
    }

    /// Replaces every order, in one transaction.
    ///
    /// # Errors
    /// What the store's failure maps to.
    pub(crate) async fn replace_all(&self, orders: &[Order]) -> Result<(), Error> {
        let mut transaction = self.pool.begin().await.map_err(map)?;
        for statement in ["DELETE FROM order_lines", "DELETE FROM orders"] {
            sqlx::query(statement)
                .execute(&mut *transaction)
                .await
                .map_err(map)?;
        }
        for order in orders {
            sqlx::query(INSERT)
                .bind(&order.id)
                .bind(&order.customer_id)
                .bind(&order.region)
                .bind(order.status.as_str())
                .bind(order.placed_at)
                .bind(&order.currency)
                .bind(order.total_minor)
                .bind(&order.ship_to_postcode)
                .bind(&order.brand)
                .execute(&mut *transaction)
                .await
                .map_err(map)?;
            for line in &order.lines {
                sqlx::query(INSERT_LINE)
                    .bind(&order.id)
                    .bind(line.number)
                    .bind(&line.sku)
                    .bind(&line.description)
                    .bind(line.quantity)
                    .bind(line.unit_price_minor)
                    .execute(&mut *transaction)
                    .await
                    .map_err(map)?;
            }
        }
        transaction.commit().await.map_err(map)
    }

    /// `orders` are in descending id order, and so are the lines: one pass joins them.
    async fn fill_lines(&self, orders: &mut [Order]) -> Result<(), Error> {
        if orders.is_empty() {
            return Ok(());
        }
        let ids: serde_json::Value = orders.iter().map(|order| order.id.as_str()).collect();
        let rows: Vec<(String, Line)> = sqlx::query_as::<_, LineRow>(LINES)
            .bind(ids.to_string())
            .fetch_all(&self.pool)
            .await
            .map_err(map)?
            .into_iter()
            .map(|row| (row.order_id, row.line))
            .collect();
        let mut rows = rows.into_iter().peekable();
        for order in orders {
            while let Some((_, line)) = rows.next_if(|(id, _)| *id == order.id) {
                order.lines.push(line);
            }
        }
        Ok(())
    }
}

impl FromRow<'_, SqliteRow> for Order {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        let status: &str = row.try_get("status")?;
        Ok(Self {
            id: row.try_get("order_id")?,
            customer_id: row.try_get("customer_id")?,
            region: row.try_get("region")?,
            brand: row.try_get("brand")?,
            status: Status::from_word(status)
                .ok_or_else(|| sqlx::Error::Decode("unknown order status".into()))?,
            placed_at: row.try_get("placed_at")?,
            currency: row.try_get("currency")?,
            total_minor: row.try_get("total_minor")?,
            ship_to_postcode: row.try_get("ship_to_postcode")?,
            lines: Vec::new(),
        })
    }
}

struct LineRow {
    order_id: String,
    line: Line,
}

impl FromRow<'_, SqliteRow> for LineRow {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            order_id: row.try_get("order_id")?,
            line: Line {
                number: row.try_get("line_number")?,
                sku: row.try_get("sku")?,
                description: row.try_get("description")?,
                quantity: row.try_get("quantity")?,
                unit_price_minor: row.try_get("unit_price_minor")?,
            },
        })
    }
}
