//! The contract of experience/storefront.

include!(concat!(env!("OUT_DIR"), "/contract.rs"));
