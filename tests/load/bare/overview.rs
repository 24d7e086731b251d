//! The overview of a customer, bare.

use anyhow::Result;
use proto_process_customer_overview::v1::{
    Address, GetOverviewRequest, LoyaltyTier, Order, OrderLine, OrderStatus, OrderTotals, Overview,
    Profile,
};
use proto_system_customers::v1::{self as customers, CustomersServiceClient};
use proto_system_orders::v1::{self as orders, OrdersServiceClient};
use strata_core::Layer;
use tonic::{Status, transport::Channel};

use super::{material, wire};

#[derive(Clone)]
struct CustomerOverview {
    customers: CustomersServiceClient<Channel>,
    orders: OrdersServiceClient<Channel>,
}

pub(super) async fn serve() -> Result<()> {
    let material = material(Layer::Process, "customer-overview")?;
    let channel = |service| wire::channel(&material, Layer::System, service);
    let overview = CustomerOverview {
        customers: CustomersServiceClient::new(channel("customers")?),
        orders: OrdersServiceClient::new(channel("orders")?),
    };
    let method = "/process.customer_overview.v1.CustomerOverviewService/GetOverview";
    wire::grpc(&material, method, move |request| {
        overview.clone().get(request)
    })
    .await
}

impl CustomerOverview {
    async fn get(mut self, request: GetOverviewRequest) -> Result<Overview, Status> {
        let customer_id = request.customer_id;
        let listing = orders::ListOrdersRequest {
            customer_id: customer_id.clone(),
            page_size: 100,
            page_token: String::new(),
        };
        let (customer, listed) = tokio::try_join!(
            self.customers
                .get_customer(customers::GetCustomerRequest { customer_id }),
            self.orders.list_orders(listing),
        )?;
        let listed = listed.into_inner().orders;
        Ok(Overview {
            profile: Some(profile(customer.into_inner())),
            totals: Some(totals(&listed)),
            recent_orders: listed.into_iter().take(10).map(order).collect(),
        })
    }
}

fn profile(customer: customers::Customer) -> Profile {
    let loyalty_tier = match customer.loyalty_tier() {
        customers::LoyaltyTier::Unspecified => LoyaltyTier::Unspecified,
        customers::LoyaltyTier::Bronze => LoyaltyTier::Bronze,
        customers::LoyaltyTier::Silver => LoyaltyTier::Silver,
        customers::LoyaltyTier::Gold => LoyaltyTier::Gold,
        customers::LoyaltyTier::Platinum => LoyaltyTier::Platinum,
    };
    let name = customer.name.unwrap_or_default();
    let consent = customer.marketing_consent.unwrap_or_default();
    Profile {
        customer_id: customer.customer_id,
        full_name: format!("{} {}", name.given, name.family),
        email: customer.email,
        phone: customer.phone,
        address: customer.address.map(|address| Address {
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

fn totals(listed: &[orders::Order]) -> OrderTotals {
    let kept = listed.iter().filter(|order| {
        !matches!(
            order.status(),
            orders::OrderStatus::Cancelled | orders::OrderStatus::Returned
        )
    });
    let newest = listed.first();
    OrderTotals {
        order_count: listed.len() as u32,
        lifetime_value_minor: kept.map(|order| order.total_minor).sum(),
        currency: newest.map_or_else(String::new, |order| order.currency.clone()),
        last_order_at: newest.and_then(|order| order.placed_at),
    }
}

fn order(order: orders::Order) -> Order {
    let status = match order.status() {
        orders::OrderStatus::Unspecified => OrderStatus::Unspecified,
        orders::OrderStatus::Placed => OrderStatus::Placed,
        orders::OrderStatus::Paid => OrderStatus::Paid,
        orders::OrderStatus::Shipped => OrderStatus::Shipped,
        orders::OrderStatus::Delivered => OrderStatus::Delivered,
        orders::OrderStatus::Cancelled => OrderStatus::Cancelled,
        orders::OrderStatus::Returned => OrderStatus::Returned,
    };
    let line = |line: orders::OrderLine| OrderLine {
        sku: line.sku,
        description: line.description,
        quantity: line.quantity,
        unit_price_minor: line.unit_price_minor,
    };
    Order {
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
