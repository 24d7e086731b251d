//! Experience API of the web shop: what a signed-in customer sees of their own account.

mod api;
mod upstream;

use proto_experience_storefront::{v1, v2};
use strata_core::Experience;
use strata_service::{BuildError, Ctx, Service};

use crate::{api::Api, upstream::Upstreams};

/// Builds the service.
///
/// # Errors
/// When a call is not declared or an upstream not configured.
pub async fn build(ctx: Ctx<Experience>) -> Result<Service<Experience>, BuildError> {
    let api = Api::new(Upstreams::connect(&ctx)?);
    let routes = v1::routes(api.clone()).merge(v2::routes(api));
    Ok(Service::edge(routes))
}
