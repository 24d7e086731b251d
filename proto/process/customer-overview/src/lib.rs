//! The contract of process/customer-overview: a customer at a glance.

include!(concat!(env!("OUT_DIR"), "/contract.rs"));
