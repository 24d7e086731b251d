//! The contract of system/orders: the order book.

include!(concat!(env!("OUT_DIR"), "/contract.rs"));
