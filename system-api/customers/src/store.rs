//! The one file that names the system of record: an SQLite file this service owns.

use std::path::Path;

use sqlx::{FromRow, Row, SqlitePool, sqlite::SqliteRow};
use strata_core::{Call, Error, Unchecked};
use strata_service::Database;
use strata_store::{IdempotencyKey, Page, PageRequest, StoreError, map};

use crate::{
    contact::{Contact, ContactChange},
    domain::{Address, Bounds, Consent, Customer, LoyaltyTier},
};

const GET: &str = "SELECT * FROM customers WHERE customer_id = ?1";

/// The text is matched anywhere in the name or at the start of the e-mail address; `instr` takes
/// it literally, so it holds no pattern characters to escape.
const SEARCH: &str = "SELECT * FROM customers \
     WHERE brand = ?1 AND region = ?2 AND customer_id > ?3 \
       AND (instr(lower(given_name || ' ' || family_name), lower(?4)) > 0 \
            OR instr(lower(email), lower(?4)) = 1) \
     ORDER BY customer_id LIMIT ?5";

const UPDATE_CONTACT: &str = "UPDATE customers SET email = ?2, phone = ?3 WHERE customer_id = ?1";

/// A key counts for a day: no client repeats a request for longer.
const FORGET: &str = "DELETE FROM contact_updates WHERE made_at < unixepoch() - 86400";

const EARLIER: &str = "SELECT * FROM contact_updates WHERE subject = ?1 AND idempotency_key = ?2";

const REMEMBER: &str = "INSERT INTO contact_updates (subject, idempotency_key, customer_id, \
     asked_email, asked_phone, email, phone, made_at) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, unixepoch())";

const INSERT: &str = "INSERT INTO customers (customer_id, given_name, family_name, email, phone, \
     street, city, postcode, country, birth_date, national_id, consent_email, consent_phone, \
     consent_updated_at, loyalty_tier, region, created_at, access_needs, payment_account, brand) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)";

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
    /// What the store's failure maps to.
    pub(crate) async fn get(&self, id: &str) -> Result<Unchecked<Customer>, Error> {
        let row = sqlx::query_as(GET).bind(id).fetch_optional(&self.pool);
        row.await.map(Unchecked::new).map_err(map)
    }

    /// Changes how a customer is reached, once for each key of a user. The check of the object, the
    /// change and the memory of the key are one transaction: a client that never got the answer
    /// repeats the request and reads it from there.
    ///
    /// # Errors
    /// `NotFound`, `Conflict` for a key that came with another change, or what the store's failure
    /// maps to.
    pub(crate) async fn update_contact(
        &self,
        change: &ContactChange,
        key: &IdempotencyKey,
        call: &Call,
    ) -> Result<Contact, Error> {
        let user = &call.principal()?.subject;
        // The write lock first: nothing that is read below changes before the commit.
        let begun = self.pool.begin_with("BEGIN IMMEDIATE").await;
        let mut transaction = begun.map_err(map)?;
        let row = sqlx::query_as(GET)
            .bind(&change.customer_id)
            .fetch_optional(&mut *transaction)
            .await;
        let customer: Customer = Unchecked::new(row.map_err(map)?).open(call)?;
        sqlx::query(FORGET)
            .execute(&mut *transaction)
            .await
            .map_err(map)?;
        let earlier: Option<Earlier> = sqlx::query_as(EARLIER)
            .bind(user)
            .bind(key.as_str())
            .fetch_optional(&mut *transaction)
            .await
            .map_err(map)?;
        match earlier {
            Some(earlier) if earlier.change == *change => return Ok(earlier.contact),
            Some(_) => return Err(IdempotencyKey::reused()),
            None => {}
        }
        let contact = change.applied_to(customer);
        sqlx::query(UPDATE_CONTACT)
            .bind(&change.customer_id)
            .bind(&contact.email)
            .bind(&contact.phone)
            .execute(&mut *transaction)
            .await
            .map_err(map)?;
        sqlx::query(REMEMBER)
            .bind(user)
            .bind(key.as_str())
            .bind(&change.customer_id)
            .bind(&change.email)
            .bind(&change.phone)
            .bind(&contact.email)
            .bind(&contact.phone)
            .execute(&mut *transaction)
            .await
            .map_err(map)?;
        transaction.commit().await.map_err(map)?;
        Ok(contact)
    }

    /// Customers within `bounds` whose name or e-mail address matches, in id order. Those elsewhere are not
    /// read: no page, count or token tells of them.
    ///
    /// # Errors
    /// What the store's failure maps to.
    pub(crate) async fn search(
        &self,
        bounds: Bounds<'_>,
        text: &str,
        request: &PageRequest,
    ) -> Result<Page<Customer>, Error> {
        let rows = sqlx::query_as(SEARCH)
            .bind(bounds.brand)
            .bind(bounds.region)
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
        for statement in ["DELETE FROM contact_updates", "DELETE FROM customers"] {
            sqlx::query(statement)
                .execute(&mut *transaction)
                .await
                .map_err(map)?;
        }
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
                .bind(&customer.access_needs)
                .bind(&customer.payment_account)
                .bind(&customer.brand)
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
            access_needs: row.try_get("access_needs")?,
            payment_account: row.try_get("payment_account")?,
            consent: Consent {
                email: row.try_get("consent_email")?,
                phone: row.try_get("consent_phone")?,
                updated_at: row.try_get("consent_updated_at")?,
            },
            loyalty_tier: LoyaltyTier::from_word(tier)
                .ok_or_else(|| sqlx::Error::Decode("unknown loyalty tier".into()))?,
            region: row.try_get("region")?,
            brand: row.try_get("brand")?,
            created_at: row.try_get("created_at")?,
        })
    }
}

/// What a key did before.
struct Earlier {
    change: ContactChange,
    contact: Contact,
}

impl FromRow<'_, SqliteRow> for Earlier {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            change: ContactChange {
                customer_id: row.try_get("customer_id")?,
                email: row.try_get("asked_email")?,
                phone: row.try_get("asked_phone")?,
            },
            contact: Contact {
                email: row.try_get("email")?,
                phone: row.try_get("phone")?,
            },
        })
    }
}
