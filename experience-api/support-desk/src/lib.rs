//! Experience API of the support desk: what its people see of the customers of their brand and region.

mod api;
mod upstream;

use strata_core::Experience;
use strata_service::{BuildError, Ctx, Service};

use crate::{api::Api, upstream::Upstreams};

/// Builds the service.
///
/// # Errors
/// When a call is not declared or an upstream not configured.
pub async fn build(ctx: Ctx<Experience>) -> Result<Service<Experience>, BuildError> {
    let upstreams = Upstreams::connect(&ctx)?;
    Ok(Service::edge(proto_experience_support_desk::v1::routes(
        Api::new(upstreams),
    )))
}
