//! The one file that names other services.

use futures_util::{StreamExt as _, TryStreamExt as _};
pub(crate) use proto_system_customers::v1 as customers;
pub(crate) use proto_system_orders::v1 as orders;
use strata_core::{Call, Error, Process};
use strata_service::{Ctx, Messages, StartError, Transport, Upstream, from_status};

use self::{
    customers::{
        Contact, Customer, CustomersServiceClient, GetCustomerRequest, SearchCustomersRequest,
        SearchCustomersResponse, UpdateContactRequest,
    },
    orders::{
        ListOrdersRequest, ListOrdersResponse, Order, OrdersServiceClient, StreamOrdersRequest,
    },
};

/// The System APIs this service combines.
pub(crate) struct Upstreams {
    customers: Upstream<CustomersServiceClient<Transport>>,
    orders: Upstream<OrdersServiceClient<Transport>>,
}

impl Upstreams {
    pub(crate) fn connect(ctx: &Ctx<Process>) -> Result<Self, StartError> {
        Ok(Self {
            customers: ctx.upstream()?,
            orders: ctx.upstream()?,
        })
    }

    pub(crate) async fn customer(&self, call: &Call, customer_id: &str) -> Result<Customer, Error> {
        let request = GetCustomerRequest {
            customer_id: customer_id.to_owned(),
        };
        let response = self
            .customers
            .on_behalf_of(call)
            .get_customer(request)
            .await;
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
            .customers
            .on_behalf_of(call)
            .search_customers(request)
            .await;
        Ok(response
            .map_err(|status| from_status(&status))?
            .into_inner())
    }

    pub(crate) async fn stream_orders(
        &self,
        call: &Call,
        request: StreamOrdersRequest,
    ) -> Result<Messages<Order>, Error> {
        let response = self.orders.on_behalf_of(call).stream_orders(request).await;
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
            .customers
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
        let response = self.orders.on_behalf_of(call).list_orders(request).await;
        Ok(response
            .map_err(|status| from_status(&status))?
            .into_inner())
    }
}
