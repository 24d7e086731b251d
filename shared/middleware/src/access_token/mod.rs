//! OAuth access tokens at the edge (RFC 9068, RFC 6750): verified against the issuer's keys, turned
//! into a [`strata_core::Principal`], and never passed on.

mod keys;
mod layer;
mod verify;

pub use keys::{Keys, Refresh};
pub use layer::{AccessTokenLayer, RequireToken};
pub use verify::{Refused, Verifier};

#[cfg(test)]
mod tests;
