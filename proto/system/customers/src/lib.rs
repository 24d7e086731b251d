//! The contract of system/customers.

include!(concat!(env!("OUT_DIR"), "/contract.rs"));
