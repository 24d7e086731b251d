//! The request `up` shows and `up --once` makes: a seeded customer reads their own overview, which
//! passes through every layer. And the two users whom `attack` sets against each other.

use strata_estate::TokenRequest;

/// The Experience API asked.
pub(crate) const SERVICE: &str = "storefront";
/// What it is asked for.
pub(crate) const PATH: &str = "/v1/me/overview";
/// Where agents serve customers.
const DESK: &str = "support-desk";

/// The signed-in customer.
pub(crate) fn token() -> TokenRequest {
    customer("cus_000001", "overview:read orders:read")
}

/// Two users of an Experience API who must see nothing of each other's: customers, or agents of the two
/// brands.
pub(crate) fn accounts(service: &str, scope: &str) -> [TokenRequest; 2] {
    if service != DESK {
        return ["cus_000001", "cus_000002"].map(|id| customer(id, scope));
    }
    [("agent-7", "teahouse"), ("agent-8", "roastery")].map(|(agent, brand)| TokenRequest {
        username: agent.to_owned(),
        scope: scope.to_owned(),
        roles: vec!["agent".to_owned()],
        region: Some("uk".to_owned()),
        tenant: Some(brand.to_owned()),
        ..TokenRequest::default()
    })
}

fn customer(id: &str, scope: &str) -> TokenRequest {
    TokenRequest {
        username: id.to_owned(),
        scope: scope.to_owned(),
        roles: vec!["customer".to_owned()],
        ..TokenRequest::default()
    }
}
