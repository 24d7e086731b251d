//! Contract to domain and back, nothing else. The customer is always the signed-in one: no request
//! names anybody.

use futures_util::{StreamExt as _, TryStreamExt as _};
use proto_experience_storefront::{
    v1::{
        self as wire, GetMyOverviewRequest, GetMyOverviewResponse, ListMyOrdersRequest,
        ListMyOrdersResponse, StorefrontService, StreamMyOrdersRequest, UpdateMyContactRequest,
        UpdateMyContactResponse,
    },
    v2,
};
use strata_core::{Call, Error};
use strata_service::Messages;

use crate::upstream::{Upstreams, process};

/// The contract, in both versions, over the Process APIs.
#[derive(Clone)]
pub(crate) struct Api {
    upstreams: Upstreams,
}

impl Api {
    pub(crate) const fn new(upstreams: Upstreams) -> Self {
        Self { upstreams }
    }
}

impl StorefrontService for Api {
    async fn get_my_overview(
        &self,
        call: Call,
        _: GetMyOverviewRequest,
    ) -> Result<GetMyOverviewResponse, Error> {
        let me = &call.principal()?.subject;
        let overview = self.upstreams.overview(&call, me).await?;
        Ok(GetMyOverviewResponse {
            profile: overview.profile.map(profile),
            totals: overview.totals.map(totals),
            recent_orders: overview.recent_orders.into_iter().map(order).collect(),
        })
    }

    async fn list_my_orders(
        &self,
        call: Call,
        request: ListMyOrdersRequest,
    ) -> Result<ListMyOrdersResponse, Error> {
        let request = process::ListOrdersRequest {
            customer_id: call.principal()?.subject.clone(),
            page_size: request.page_size,
            page_token: request.page_token,
        };
        let listed = self.upstreams.orders(&call, request).await?;
        Ok(ListMyOrdersResponse {
            orders: listed.orders.into_iter().map(order).collect(),
            next_page_token: listed.next_page_token,
        })
    }

    async fn update_my_contact(
        &self,
        call: Call,
        request: UpdateMyContactRequest,
    ) -> Result<UpdateMyContactResponse, Error> {
        let request = process::UpdateContactRequest {
            customer_id: call.principal()?.subject.clone(),
            email: request.email,
            phone: request.phone,
            idempotency_key: request.idempotency_key,
        };
        let contact = self.upstreams.update_contact(&call, request).await?;
        Ok(UpdateMyContactResponse {
            email: contact.email,
            phone: contact.phone,
        })
    }

    async fn stream_my_orders(
        &self,
        call: Call,
        _: StreamMyOrdersRequest,
    ) -> Result<Messages<wire::Order>, Error> {
        let request = process::StreamOrdersRequest {
            customer_id: call.principal()?.subject.clone(),
        };
        let orders = self.upstreams.stream_orders(&call, request).await?;
        Ok(orders.map_ok(order).boxed())
    }
}

impl v2::StorefrontService for Api {
    async fn list_my_orders(
        &self,
        call: Call,
        request: v2::ListMyOrdersRequest,
    ) -> Result<v2::ListMyOrdersResponse, Error> {
        let request = process::ListOrdersRequest {
            customer_id: call.principal()?.subject.clone(),
            page_size: request.page_size,
            page_token: request.page_token,
        };
        let listed = self.upstreams.orders(&call, request).await?;
        Ok(v2::ListMyOrdersResponse {
            orders: listed.orders.into_iter().map(summary).collect(),
            next_page_token: listed.next_page_token,
        })
    }
}

fn profile(profile: process::Profile) -> wire::Profile {
    let loyalty_tier = match profile.loyalty_tier() {
        process::LoyaltyTier::Unspecified => wire::LoyaltyTier::Unspecified,
        process::LoyaltyTier::Bronze => wire::LoyaltyTier::Bronze,
        process::LoyaltyTier::Silver => wire::LoyaltyTier::Silver,
        process::LoyaltyTier::Gold => wire::LoyaltyTier::Gold,
        process::LoyaltyTier::Platinum => wire::LoyaltyTier::Platinum,
    };
    wire::Profile {
        customer_id: profile.customer_id,
        full_name: profile.full_name,
        email: profile.email,
        phone: profile.phone,
        address: profile.address.map(|address| wire::Address {
            street: address.street,
            city: address.city,
            postcode: address.postcode,
            country: address.country,
        }),
        marketing_email: profile.marketing_email,
        marketing_phone: profile.marketing_phone,
        loyalty_tier: loyalty_tier.into(),
        customer_since: profile.customer_since,
    }
}

fn totals(totals: process::OrderTotals) -> wire::OrderTotals {
    wire::OrderTotals {
        order_count: totals.order_count,
        lifetime_value_minor: totals.lifetime_value_minor,
        currency: totals.currency,
        last_order_at: totals.last_order_at,
    }
}

fn order(order: process::Order) -> wire::Order {
    let status = match order.status() {
        process::OrderStatus::Unspecified => wire::OrderStatus::Unspecified,
        process::OrderStatus::Placed => wire::OrderStatus::Placed,
        process::OrderStatus::Paid => wire::OrderStatus::Paid,
        process::OrderStatus::Shipped => wire::OrderStatus::Shipped,
        process::OrderStatus::Delivered => wire::OrderStatus::Delivered,
        process::OrderStatus::Cancelled => wire::OrderStatus::Cancelled,
        process::OrderStatus::Returned => wire::OrderStatus::Returned,
    };
    wire::Order {
        order_id: order.order_id,
        status: status.into(),
        placed_at: order.placed_at,
        currency: order.currency,
        total_minor: order.total_minor,
        lines: order.lines.into_iter().map(line).collect(),
    }
}

fn line(line: process::OrderLine) -> wire::OrderLine {
    wire::OrderLine {
        sku: line.sku,
        description: line.description,
        quantity: line.quantity,
        unit_price_minor: line.unit_price_minor,
    }
}

fn summary(order: process::Order) -> v2::OrderSummary {
    let status = match order.status() {
        process::OrderStatus::Unspecified => v2::OrderStatus::Unspecified,
        process::OrderStatus::Placed => v2::OrderStatus::Placed,
        process::OrderStatus::Paid => v2::OrderStatus::Paid,
        process::OrderStatus::Shipped => v2::OrderStatus::Shipped,
        process::OrderStatus::Delivered => v2::OrderStatus::Delivered,
        process::OrderStatus::Cancelled => v2::OrderStatus::Cancelled,
        process::OrderStatus::Returned => v2::OrderStatus::Returned,
    };
    v2::OrderSummary {
        order_id: order.order_id,
        status: status.into(),
        placed_at: order.placed_at,
        total: Some(v2::Money {
            minor: order.total_minor,
            currency: order.currency,
        }),
    }
}
