//! Contract to domain and back, nothing else. Which customers an agent may see is the System APIs' own
//! rule: here nobody is told apart.

use proto_experience_support_desk::v1::{
    self as wire, GetCustomerOverviewRequest, GetCustomerOverviewResponse, SearchCustomersRequest,
    SearchCustomersResponse, SupportDeskService,
};
use strata_core::{Call, Error};

use crate::upstream::{Upstreams, process};

/// The contract over the Process APIs.
pub(crate) struct Api {
    upstreams: Upstreams,
}

impl Api {
    pub(crate) const fn new(upstreams: Upstreams) -> Self {
        Self { upstreams }
    }
}

impl SupportDeskService for Api {
    async fn get_customer_overview(
        &self,
        call: Call,
        request: GetCustomerOverviewRequest,
    ) -> Result<GetCustomerOverviewResponse, Error> {
        let request = process::GetOverviewRequest {
            customer_id: request.customer_id,
        };
        let overview = self.upstreams.overview(&call, request).await?;
        Ok(GetCustomerOverviewResponse {
            profile: overview.profile.map(profile),
            totals: overview.totals.map(totals),
            recent_orders: overview.recent_orders.into_iter().map(order).collect(),
        })
    }

    async fn search_customers(
        &self,
        call: Call,
        request: SearchCustomersRequest,
    ) -> Result<SearchCustomersResponse, Error> {
        let request = process::SearchCustomersRequest {
            query: request.query,
            page_size: request.page_size,
            page_token: request.page_token,
        };
        let found = self.upstreams.search(&call, request).await?;
        Ok(SearchCustomersResponse {
            customers: found.customers.into_iter().map(summary).collect(),
            next_page_token: found.next_page_token,
        })
    }
}

fn summary(customer: process::CustomerSummary) -> wire::CustomerSummary {
    wire::CustomerSummary {
        customer_id: customer.customer_id,
        full_name: customer.full_name,
        email: customer.email,
        region: customer.region,
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
        region: profile.region,
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
