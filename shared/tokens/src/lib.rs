//! Transaction tokens (draft-ietf-oauth-transaction-tokens-10): the user of a request, as the edge
//! established it, in a form that no workload behind the edge can make or change.
//!
//! What the draft leaves open is settled so: each Experience API is the token service for its own
//! requests and signs with Ed25519. The header names the leaf of its key by SHA-256 (`x5t#S256`, RFC 7515,
//! section 4.1.8); the leaf, which the token CA of the environment signed, goes beside the token: it is the
//! same for all of them, and HPACK then sends it once for each connection. `aud` is `<env>.<organisation>`, `req_wl` the SPIFFE ID
//! of the Experience API, `scope` what the method at the edge asks for. The transaction of a single
//! request is its trace: `txn` is one of the token, which requests that only read share.

mod claims;
mod mint;
mod verify;

pub use mint::{Minted, Minter, NoKey, Reuse};
pub use verify::{Refused, Verified, Verifier};

#[cfg(test)]
mod tests;
