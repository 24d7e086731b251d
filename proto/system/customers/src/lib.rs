//! The contract of system/customers: the customer master.

include!(concat!(env!("OUT_DIR"), "/contract.rs"));
