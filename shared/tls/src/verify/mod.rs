//! The order of the checks on a peer, the same on both sides: exactly one certificate, exactly one
//! URI SAN, of a trust domain accepted here, signed by that trust domain's own CA, for this use.
//! DNS names and SNI play no part. Users' clients are asked for less.

mod callee;
mod caller;
mod holder;
mod identity;

pub(crate) use callee::CalleeVerifier;
pub(crate) use caller::CallerVerifier;
pub(crate) use holder::HolderVerifier;
pub(crate) use identity::{Role, verify};
