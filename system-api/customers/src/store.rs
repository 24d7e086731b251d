//! The one file that names the system of record: an SQLite file this service owns.

use std::path::Path;

use sqlx::{FromRow, Row, SqlitePool, sqlite::SqliteRow};
use strata_core::Error;
use strata_service::Database;
use strata_store::{Page, PageRequest, StoreError, map};

use crate::domain::{Address, Consent, Customer, LoyaltyTier};

const GET: &str = "SELECT * FROM customers WHERE customer_id = ?1";

/// The text is matched anywhere in the name or at the start of the e-mail address; `instr` takes
/// it literally, so it holds no pattern characters to escape.
const SEARCH: &str = "SELECT * FROM customers \
     WHERE region = ?1 AND customer_id > ?2 \
       AND (instr(lower(given_name || ' ' || family_name), lower(?3)) > 0 \
            OR instr(lower(email), lower(?3)) = 1) \
     ORDER BY customer_id LIMIT ?4";

const INSERT: &str = "INSERT INTO customers (customer_id, given_name, family_name, email, phone, \
     street, city, postcode, country, birth_date, national_id, consent_email, consent_phone, \
     consent_updated_at, loyalty_tier, region, created_at) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)";

/// The customers database.
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

    /// One customer.
    ///
    /// # Errors
    /// `NotFound`, or what the store's failure maps to.
    pub(crate) async fn get(&self, id: &str) -> Result<Customer, Error> {
        sqlx::query_as(GET)
            .bind(id)
            .fetch_one(&self.pool)
            .await
            .map_err(map)
    }

    /// Customers of one region whose name or e-mail address matches, in id order.
    ///
    /// # Errors
    /// What the store's failure maps to.
    pub(crate) async fn search(
        &self,
        region: &str,
        text: &str,
        request: &PageRequest,
    ) -> Result<Page<Customer>, Error> {
        let rows = sqlx::query_as(SEARCH)
            .bind(region)
            .bind(request.after().unwrap_or_default())
            .bind(text)
            .bind(request.fetch_limit())
            .fetch_all(&self.pool)
            .await
            .map_err(map)?;
        Ok(request.page(rows, |customer: &Customer| &customer.id))
    }

    /// Replaces every customer, in one transaction.
    ///
    /// # Errors
    /// What the store's failure maps to.
    pub(crate) async fn replace_all(&self, customers: &[Customer]) -> Result<(), Error> {
        let mut transaction = self.pool.begin().await.map_err(map)?;
        sqlx::query("DELETE FROM customers")
            .execute(&mut *transaction)
            .await
            .map_err(map)?;
        for customer in customers {
            sqlx::query(INSERT)
                .bind(&customer.id)
                .bind(&customer.given_name)
                .bind(&customer.family_name)
                .bind(&customer.email)
                .bind(&customer.phone)
                .bind(&customer.address.street)
                .bind(&customer.address.city)
                .bind(&customer.address.postcode)
                .bind(&customer.address.country)
                .bind(&customer.birth_date)
                .bind(&customer.national_id)
                .bind(customer.consent.email)
                .bind(customer.consent.phone)
                .bind(customer.consent.updated_at)
                .bind(customer.loyalty_tier.as_str())
                .bind(&customer.region)
                .bind(customer.created_at)
                .execute(&mut *transaction)
                .await
                .map_err(map)?;
        }
        transaction.commit().await.map_err(map)
    }
}

impl FromRow<'_, SqliteRow> for Customer {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        let tier: &str = row.try_get("loyalty_tier")?;
        Ok(Self {
            id: row.try_get("customer_id")?,
            given_name: row.try_get("given_name")?,
            family_name: row.try_get("family_name")?,
            email: row.try_get("email")?,
            phone: row.try_get("phone")?,
            address: Address {
                street: row.try_get("street")?,
                city: row.try_get("city")?,
                postcode: row.try_get("postcode")?,
                country: row.try_get("country")?,
            },
            birth_date: row.try_get("birth_date")?,
            national_id: row.try_get("national_id")?,
            consent: Consent {
                email: row.try_get("consent_email")?,
                phone: row.try_get("consent_phone")?,
                updated_at: row.try_get("consent_updated_at")?,
            },
            loyalty_tier: LoyaltyTier::from_word(tier)
                .ok_or_else(|| sqlx::Error::Decode("unknown loyalty tier".into()))?,
            region: row.try_get("region")?,
            created_at: row.try_get("created_at")?,
        })
    }
}
