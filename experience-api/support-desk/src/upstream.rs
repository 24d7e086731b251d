//! The one file that names other services.

pub(crate) use proto_process_customer_overview::v1 as process;
use strata_core::{Call, Error, Experience};
use strata_service::{Ctx, StartError, Transport, Upstream, from_status};

use self::process::{
    CustomerOverviewServiceClient, GetOverviewRequest, Overview, SearchCustomersRequest,
    SearchCustomersResponse,
};

/// The Process APIs this service shows.
pub(crate) struct Upstreams {
    overview: Upstream<CustomerOverviewServiceClient<Transport>>,
}

impl Upstreams {
    pub(crate) fn connect(ctx: &Ctx<Experience>) -> Result<Self, StartError> {
        Ok(Self {
            overview: ctx.upstream()?,
        })
    }

    pub(crate) async fn overview(
        &self,
        call: &Call,
        request: GetOverviewRequest,
    ) -> Result<Overview, Error> {
        let response = self.overview.on_behalf_of(call).get_overview(request).await;
        Ok(response
            .map_err(|status| from_status(&status))?
            .into_inner())
    }

    pub(crate) async fn search(
        &self,
        call: &Call,
        request: SearchCustomersRequest,
    ) -> Result<SearchCustomersResponse, Error> {
        let response = self
            .overview
            .on_behalf_of(call)
            .search_customers(request)
            .await;
        Ok(response
            .map_err(|status| from_status(&status))?
            .into_inner())
    }
}
