//! `cargo strata new` on a copy of this repository: what it makes builds, keeps the lints, passes
//! its own tests and the checks, and answers; what it cannot make leaves no trace.

#![cfg(test)]

mod copy;
mod exemptions;
mod listing;
mod mistakes;
mod services;
mod shapes;
