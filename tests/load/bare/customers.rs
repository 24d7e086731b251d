//! The customer master, bare.

use std::path::Path;

use anyhow::Result;
use pbjson_types::Timestamp;
use proto_system_customers::v1::{
    Address, Customer, GetCustomerRequest, LoyaltyTier, MarketingConsent, Name,
};
use sqlx::{FromRow, Row as _, SqlitePool, sqlite::SqliteRow};
use strata_core::Layer;
use tonic::Status;

use super::{DATABASE, FOLDER, material, variable, wire};

const GET: &str = "SELECT * FROM customers WHERE customer_id = ?1";

pub(super) async fn serve() -> Result<()> {
    let material = material(Layer::System, "customers")?;
    let pool = pool().await?;
    let method = "/system.customers.v1.CustomersService/GetCustomer";
    wire::grpc(&material, method, move |request| get(pool.clone(), request)).await
}

/// The pool of the service whose folder and store this process was given.
pub(super) async fn pool() -> Result<SqlitePool> {
    let migrations = Path::new(&variable(FOLDER)?).join("migrations");
    let database = strata_config::Database {
        url: variable(DATABASE)?,
        max_connections: 8,
    };
    Ok(strata_store::open(&database, &migrations).await?)
}

async fn get(pool: SqlitePool, request: GetCustomerRequest) -> Result<Customer, Status> {
    let Row(customer) = sqlx::query_as(GET)
        .bind(request.customer_id)
        .fetch_one(&pool)
        .await
        .map_err(|_| Status::not_found("no such customer"))?;
    Ok(customer)
}

struct Row(Customer);

impl FromRow<'_, SqliteRow> for Row {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        let tier = match row.try_get("loyalty_tier")? {
            "bronze" => LoyaltyTier::Bronze,
            "silver" => LoyaltyTier::Silver,
            "gold" => LoyaltyTier::Gold,
            _ => LoyaltyTier::Platinum,
        };
        let moment = |column| {
            row.try_get(column)
                .map(|seconds| Timestamp { seconds, nanos: 0 })
        };
        Ok(Self(Customer {
            customer_id: row.try_get("customer_id")?,
            name: Some(Name {
                given: row.try_get("given_name")?,
                family: row.try_get("family_name")?,
            }),
            email: row.try_get("email")?,
            phone: row.try_get("phone")?,
            address: Some(Address {
                street: row.try_get("street")?,
                city: row.try_get("city")?,
                postcode: row.try_get("postcode")?,
                country: row.try_get("country")?,
            }),
            birth_date: row.try_get("birth_date")?,
            national_id: row.try_get("national_id")?,
            marketing_consent: Some(MarketingConsent {
                email: row.try_get("consent_email")?,
                phone: row.try_get("consent_phone")?,
                updated_at: Some(moment("consent_updated_at")?),
            }),
            loyalty_tier: tier.into(),
            region: row.try_get("region")?,
            created_at: Some(moment("created_at")?),
            access_needs: row.try_get("access_needs")?,
            payment_account: row.try_get("payment_account")?,
            brand: row.try_get("brand")?,
        }))
    }
}
