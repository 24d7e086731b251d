//! System API of the customer master.

mod api;
mod contact;
mod domain;
mod seed;
mod store;

use proto_system_customers::v1::CustomersServiceServer;
use strata_core::System;
use strata_service::{BuildError, Config, Ctx, Service};

use crate::{api::Api, store::Store};

/// Builds the service.
///
/// # Errors
/// When the database cannot be opened.
pub async fn build(ctx: Ctx<System>) -> Result<Service<System>, BuildError> {
    let store = Store::open(ctx.database()?).await?;
    Ok(Service::grpc(CustomersServiceServer::new(Api::new(store))))
}

/// Replaces the store's content with demo data.
///
/// # Errors
/// When the database cannot be opened or written.
pub async fn seed(config: Config) -> Result<(), BuildError> {
    let database = config
        .database
        .ok_or("the configuration has no [database]")?;
    Store::open(&database)
        .await?
        .replace_all(&seed::customers())
        .await?;
    Ok(())
}
