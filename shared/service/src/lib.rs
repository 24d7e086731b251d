//! What makes a crate a service: [`App`] reads the command line and configuration, loads the
//! material, gives the service its [`Ctx`], wraps what it builds in the stacks, serves and drains.
//! A service gets every control by being a service; there is nothing to switch on.

mod admin;
mod announce;
mod app;
mod audit;
mod ctx;
mod documents;
mod error;
mod exemptions;
mod material;
mod networks;
mod policy;
mod run;
mod service;
mod signals;
mod stack;
mod upstream;
mod warm_up;

pub use app::App;
pub use ctx::Ctx;
pub use error::{BuildError, StartError};
pub use service::Service;
pub use strata_config::{Config, Database};
pub use strata_middleware::status::{call, into_status};
pub use strata_rest::{Messages, from_status};
pub use upstream::{Transport, Upstream};
