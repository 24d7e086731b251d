//! The contract of experience/storefront: a customer's own account.

include!(concat!(env!("OUT_DIR"), "/contract.rs"));
