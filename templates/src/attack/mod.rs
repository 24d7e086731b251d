//! The abuse suite that needs no inside access: what anybody can try against an Experience API with two
//! accounts and its OpenAPI document. It links nothing of a service and reads nothing of the estate's but
//! what it is given.
//!
//! - `probe`: what a probe is, and what comes of one;
//! - `probes`: all of them, one file for each family;
//! - `scene`: what they work on: target, contract, accounts, and the request that is known to be answered;
//! - `contract`: the OpenAPI document, as far as an attacker reads it; `fields`: what it lets an answer hold;
//! - `consent`: whether the target may be attacked, and what that may cost it;
//! - `run`: one probe after another, and `report`: what is said of it.

pub(crate) mod consent;
mod contract;
mod fields;
mod probe;
mod probes;
mod report;
mod run;
mod scene;

pub(crate) use contract::Contract;
pub(crate) use probe::Severity;
pub(crate) use probes::{count, is_known};
pub(crate) use report::Report;
pub(crate) use run::run;
pub(crate) use scene::{Accounts, Scene};
