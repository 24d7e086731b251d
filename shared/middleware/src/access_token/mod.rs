//! OAuth access tokens at the edge (RFC 9068, RFC 6750): verified against the issuer's keys, turned
//! into a [`strata_core::Principal`], and never passed on.

mod keys;
mod layer;
mod verify;

pub use keys::{Keys, Refresh};
pub use layer::{AccessTokenLayer, RequireToken};
pub use verify::{Refused, Verifier};

/// The SHA-256 of the access token a request came with: what is left of it once it is verified.
#[derive(Clone, Copy)]
pub struct AccessTokenDigest(pub [u8; 32]);

#[cfg(test)]
mod tests;
