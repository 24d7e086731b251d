//! The request `up` shows and `up --once` makes: a seeded customer reads their own overview, which
//! passes through every layer.

use strata_estate::TokenRequest;

/// The Experience API asked.
pub(crate) const SERVICE: &str = "storefront";
/// What it is asked for.
pub(crate) const PATH: &str = "/v1/me/overview";

/// The signed-in customer.
pub(crate) fn token() -> TokenRequest {
    TokenRequest {
        username: "cus_000001".to_owned(),
        scope: "overview:read orders:read".to_owned(),
        roles: vec!["customer".to_owned()],
        ..TokenRequest::default()
    }
}
