//! The contract of process/customer-overview.

include!(concat!(env!("OUT_DIR"), "/contract.rs"));
