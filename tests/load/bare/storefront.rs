//! The web shop's API, bare: whoever a request says it is from is believed.

use anyhow::Result;
use axum::{Json, Router, extract::State, routing::get};
use http::{HeaderMap, StatusCode};
use proto_experience_storefront::v1::{
    Address, GetMyOverviewResponse, LoyaltyTier, Order, OrderLine, OrderStatus, OrderTotals,
    Profile,
};
use proto_process_customer_overview::v1::{
    self as process, CustomerOverviewServiceClient, GetOverviewRequest,
};
use strata_core::Layer;
use tonic::transport::Channel;

use super::{material, wire};
use crate::{ratio::OVERVIEW, users::CUSTOMER};

type Client = CustomerOverviewServiceClient<Channel>;

pub(super) async fn serve() -> Result<()> {
    let material = material(Layer::Experience, "storefront")?;
    let channel = wire::channel(&material, Layer::Process, "customer-overview")?;
    let router = Router::new()
        .route(OVERVIEW, get(overview))
        .with_state(CustomerOverviewServiceClient::new(channel));
    wire::https(&material, router).await
}

async fn overview(
    State(mut client): State<Client>,
    headers: HeaderMap,
) -> Result<Json<GetMyOverviewResponse>, StatusCode> {
    let customer = headers.get(CUSTOMER).ok_or(StatusCode::UNAUTHORIZED)?;
    let customer = customer.to_str().map_err(|_| StatusCode::BAD_REQUEST)?;
    let request = GetOverviewRequest {
        customer_id: customer.to_owned(),
    };
    let overview = client.get_overview(request).await;
    let overview = overview.map_err(|_| StatusCode::BAD_GATEWAY)?.into_inner();
    Ok(Json(GetMyOverviewResponse {
        profile: overview.profile.map(profile),
        totals: overview.totals.map(|totals| OrderTotals {
            order_count: totals.order_count,
            lifetime_value_minor: totals.lifetime_value_minor,
            currency: totals.currency,
            last_order_at: totals.last_order_at,
        }),
        recent_orders: overview.recent_orders.into_iter().map(order).collect(),
    }))
}

fn profile(profile: process::Profile) -> Profile {
    let loyalty_tier = match profile.loyalty_tier() {
        process::LoyaltyTier::Unspecified => LoyaltyTier::Unspecified,
        process::LoyaltyTier::Bronze => LoyaltyTier::Bronze,
        process::LoyaltyTier::Silver => LoyaltyTier::Silver,
        process::LoyaltyTier::Gold => LoyaltyTier::Gold,
        process::LoyaltyTier::Platinum => LoyaltyTier::Platinum,
    };
    Profile {
        customer_id: profile.customer_id,
        full_name: profile.full_name,
        email: profile.email,
        phone: profile.phone,
        address: profile.address.map(|address| Address {
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

fn order(order: process::Order) -> Order {
    let status = match order.status() {
        process::OrderStatus::Unspecified => OrderStatus::Unspecified,
        process::OrderStatus::Placed => OrderStatus::Placed,
        process::OrderStatus::Paid => OrderStatus::Paid,
        process::OrderStatus::Shipped => OrderStatus::Shipped,
        process::OrderStatus::Delivered => OrderStatus::Delivered,
        process::OrderStatus::Cancelled => OrderStatus::Cancelled,
        process::OrderStatus::Returned => OrderStatus::Returned,
    };
    let line = |line: process::OrderLine| OrderLine {
        sku: line.sku,
        description: line.description,
        quantity: line.quantity,
        unit_price_minor: line.unit_price_minor,
    };
    Order {
        order_id: order.order_id,
        status: status.into(),
        placed_at: order.placed_at,
        currency: order.currency,
        total_minor: order.total_minor,
        lines: order.lines.into_iter().map(line).collect(),
    }
}
