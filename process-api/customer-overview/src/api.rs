//! Contract to domain and back, nothing else.

use futures_util::{StreamExt as _, TryStreamExt as _, stream::BoxStream};
use proto_process_customer_overview::v1::{
    self as wire, CustomerOverviewService, GetOverviewRequest, ListOrdersRequest,
    ListOrdersResponse, SearchCustomersRequest, SearchCustomersResponse, StreamOrdersRequest,
    UpdateContactRequest,
};
use strata_service::{call, into_status};
use tonic::{Request, Response, Status};

use crate::{
    domain::{COUNTED_ORDERS, RECENT_ORDERS, Sale, lifetime_value},
    upstream::{Upstreams, customers, orders},
};

/// The contract over the System APIs.
pub(crate) struct Api {
    upstreams: Upstreams,
}

impl Api {
    pub(crate) const fn new(upstreams: Upstreams) -> Self {
        Self { upstreams }
    }
}

#[tonic::async_trait]
impl CustomerOverviewService for Api {
    type StreamOrdersStream = BoxStream<'static, Result<wire::Order, Status>>;

    async fn get_overview(
        &self,
        request: Request<GetOverviewRequest>,
    ) -> Result<Response<wire::Overview>, Status> {
        let call = call(&request)?;
        let customer_id = request.into_inner().customer_id;
        let counted = orders::ListOrdersRequest {
            customer_id: customer_id.clone(),
            page_size: COUNTED_ORDERS,
            page_token: String::new(),
        };
        let (customer, listed) = tokio::try_join!(
            self.upstreams.customer(&call, &customer_id),
            self.upstreams.orders(&call, counted),
        )
        .map_err(into_status)?;
        Ok(Response::new(wire::Overview {
            profile: Some(profile(customer)),
            totals: Some(totals(&listed.orders)),
            recent_orders: listed
                .orders
                .into_iter()
                .take(RECENT_ORDERS)
                .map(order)
                .collect(),
        }))
    }

    async fn list_orders(
        &self,
        request: Request<ListOrdersRequest>,
    ) -> Result<Response<ListOrdersResponse>, Status> {
        let call = call(&request)?;
        let request = request.into_inner();
        let request = orders::ListOrdersRequest {
            customer_id: request.customer_id,
            page_size: request.page_size,
            page_token: request.page_token,
        };
        let listed = self
            .upstreams
            .orders(&call, request)
            .await
            .map_err(into_status)?;
        Ok(Response::new(ListOrdersResponse {
            orders: listed.orders.into_iter().map(order).collect(),
            next_page_token: listed.next_page_token,
        }))
    }

    async fn search_customers(
        &self,
        request: Request<SearchCustomersRequest>,
    ) -> Result<Response<SearchCustomersResponse>, Status> {
        let call = call(&request)?;
        let request = request.into_inner();
        // No region: the customer master searches the agent's own, within their brand.
        let request = customers::SearchCustomersRequest {
            query: request.query,
            region: String::new(),
            page_size: request.page_size,
            page_token: request.page_token,
        };
        let found = self
            .upstreams
            .search(&call, request)
            .await
            .map_err(into_status)?;
        Ok(Response::new(SearchCustomersResponse {
            customers: found.customers.into_iter().map(summary).collect(),
            next_page_token: found.next_page_token,
        }))
    }

    async fn update_contact(
        &self,
        request: Request<UpdateContactRequest>,
    ) -> Result<Response<wire::Contact>, Status> {
        let call = call(&request)?;
        let request = request.into_inner();
        let request = customers::UpdateContactRequest {
            customer_id: request.customer_id,
            email: request.email,
            phone: request.phone,
            idempotency_key: request.idempotency_key,
        };
        let contact = self
            .upstreams
            .update_contact(&call, request)
            .await
            .map_err(into_status)?;
        Ok(Response::new(wire::Contact {
            email: contact.email,
            phone: contact.phone,
        }))
    }

    async fn stream_orders(
        &self,
        request: Request<StreamOrdersRequest>,
    ) -> Result<Response<Self::StreamOrdersStream>, Status> {
        let call = call(&request)?;
        let request = orders::StreamOrdersRequest {
            customer_id: request.into_inner().customer_id,
        };
        let orders = self.upstreams.stream_orders(&call, request).await;
        let orders = orders.map_err(into_status)?;
        Ok(Response::new(
            orders.map_ok(order).map_err(into_status).boxed(),
        ))
    }
}

fn summary(customer: customers::Customer) -> wire::CustomerSummary {
    wire::CustomerSummary {
        customer_id: customer.customer_id,
        full_name: full_name(customer.name),
        email: customer.email,
        region: customer.region,
    }
}

/// Neither birth date nor national id leaves the System layer.
fn profile(customer: customers::Customer) -> wire::Profile {
    let loyalty_tier = match customer.loyalty_tier() {
        customers::LoyaltyTier::Unspecified => wire::LoyaltyTier::Unspecified,
        customers::LoyaltyTier::Bronze => wire::LoyaltyTier::Bronze,
        customers::LoyaltyTier::Silver => wire::LoyaltyTier::Silver,
        customers::LoyaltyTier::Gold => wire::LoyaltyTier::Gold,
        customers::LoyaltyTier::Platinum => wire::LoyaltyTier::Platinum,
    };
    let consent = customer.marketing_consent.unwrap_or_default();
    wire::Profile {
        customer_id: customer.customer_id,
        full_name: full_name(customer.name),
        email: customer.email,
        phone: customer.phone,
        address: customer.address.map(|address| wire::Address {
            street: address.street,
            city: address.city,
            postcode: address.postcode,
            country: address.country,
        }),
        marketing_email: consent.email,
        marketing_phone: consent.phone,
        loyalty_tier: loyalty_tier.into(),
        region: customer.region,
        customer_since: customer.created_at,
    }
}

fn full_name(name: Option<customers::Name>) -> String {
    name.map(|name| format!("{} {}", name.given, name.family))
        .unwrap_or_default()
}

/// `listed` is newest first.
fn totals(listed: &[orders::Order]) -> wire::OrderTotals {
    let sales = listed.iter().map(|order| Sale {
        total_minor: order.total_minor,
        kept: !matches!(
            order.status(),
            orders::OrderStatus::Cancelled | orders::OrderStatus::Returned
        ),
    });
    let newest = listed.first();
    wire::OrderTotals {
        order_count: u32::try_from(listed.len()).unwrap_or(u32::MAX),
        lifetime_value_minor: lifetime_value(sales),
        currency: newest
            .map(|order| order.currency.clone())
            .unwrap_or_default(),
        last_order_at: newest.and_then(|order| order.placed_at),
    }
}

fn order(order: orders::Order) -> wire::Order {
    let status = match order.status() {
        orders::OrderStatus::Unspecified => wire::OrderStatus::Unspecified,
        orders::OrderStatus::Placed => wire::OrderStatus::Placed,
        orders::OrderStatus::Paid => wire::OrderStatus::Paid,
        orders::OrderStatus::Shipped => wire::OrderStatus::Shipped,
        orders::OrderStatus::Delivered => wire::OrderStatus::Delivered,
        orders::OrderStatus::Cancelled => wire::OrderStatus::Cancelled,
        orders::OrderStatus::Returned => wire::OrderStatus::Returned,
    };
    wire::Order {
        order_id: order.order_id,
        customer_id: order.customer_id,
        region: order.region,
        status: status.into(),
        placed_at: order.placed_at,
        currency: order.currency,
        total_minor: order.total_minor,
        lines: order.lines.into_iter().map(line).collect(),
    }
}

fn line(line: orders::OrderLine) -> wire::OrderLine {
    wire::OrderLine {
        sku: line.sku,
        description: line.description,
        quantity: line.quantity,
        unit_price_minor: line.unit_price_minor,
    }
}
