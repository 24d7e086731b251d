//! Transaction tokens (draft-ietf-oauth-transaction-tokens-10) on their way: made at the edge, verified
//! at every hop, passed on unchanged.

mod metadata;
mod mint;
mod verify;

pub(crate) use metadata::{TXN_TOKEN, write};
pub use mint::{Mint, MintLayer};
pub use verify::{TransactionTokenLayer, VerifyTransactionToken};
