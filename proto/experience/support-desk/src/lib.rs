//! The contract of experience/support-desk.

include!(concat!(env!("OUT_DIR"), "/contract.rs"));
