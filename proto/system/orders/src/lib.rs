//! The contract of system/orders.

include!(concat!(env!("OUT_DIR"), "/contract.rs"));
