//! Process API that blends the customer master with the order book.

mod api;
mod domain;
mod upstream;

use proto_process_customer_overview::v1::CustomerOverviewServiceServer;
use strata_core::Process;
use strata_service::{BuildError, Ctx, Service};

use crate::{api::Api, upstream::Upstreams};

/// Builds the service.
///
/// # Errors
/// When a call is not declared or an upstream not configured.
pub async fn build(ctx: Ctx<Process>) -> Result<Service<Process>, BuildError> {
    let upstreams = Upstreams::connect(&ctx)?;
    Ok(Service::grpc(CustomerOverviewServiceServer::new(Api::new(
        upstreams,
    ))))
}
