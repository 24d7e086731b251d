//! The one file that names other services.

use futures_util::{StreamExt as _, TryStreamExt as _};
pub(crate) use proto_process_customer_overview::v1 as process;
use strata_core::{Call, Error, Experience};
use strata_service::{Ctx, Messages, StartError, Transport, Upstream, from_status};

use self::process::{
    Contact, CustomerOverviewServiceClient, GetOverviewRequest, ListOrdersRequest,
    ListOrdersResponse, Order, Overview, StreamOrdersRequest, UpdateContactRequest,
};

/// The Process APIs this service shows.
#[derive(Clone)]
pub(crate) struct Upstreams {
    overview: Upstream<CustomerOverviewServiceClient<Transport>>,
}

impl Upstreams {
    pub(crate) fn connect(ctx: &Ctx<Experience>) -> Result<Self, StartError> {
        Ok(Self {
            overview: ctx.upstream()?,
        })
    }

    pub(crate) async fn overview(&self, call: &Call, customer_id: &str) -> Result<Overview, Error> {
        let request = GetOverviewRequest {
            customer_id: customer_id.to_owned(),
        };
        let response = self.overview.on_behalf_of(call).get_overview(request).await;
        Ok(response
            .map_err(|status| from_status(&status))?
            .into_inner())
    }

    pub(crate) async fn stream_orders(
        &self,
        call: &Call,
        request: StreamOrdersRequest,
    ) -> Result<Messages<Order>, Error> {
        let response = self
            .overview
            .on_behalf_of(call)
            .stream_orders(request)
            .await;
        let orders = response.map_err(|status| from_status(&status))?;
        Ok(orders
            .into_inner()
            .map_err(|status| from_status(&status))
            .boxed())
    }

    pub(crate) async fn update_contact(
        &self,
        call: &Call,
        request: UpdateContactRequest,
    ) -> Result<Contact, Error> {
        let response = self
            .overview
            .on_behalf_of(call)
            .update_contact(request)
            .await;
        Ok(response
            .map_err(|status| from_status(&status))?
            .into_inner())
    }

    pub(crate) async fn orders(
        &self,
        call: &Call,
        request: ListOrdersRequest,
    ) -> Result<ListOrdersResponse, Error> {
        let response = self.overview.on_behalf_of(call).list_orders(request).await;
        Ok(response
            .map_err(|status| from_status(&status))?
            .into_inner())
    }
}
