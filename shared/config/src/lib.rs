//! Configuration: whose estate this is, the environment, what a service declares, and the typed,
//! validated settings it starts with.
//!
//! A setting's value is never in an error: it may be a secret. Errors say where (file and line, or
//! variable), which key, and what is expected.

mod document;
mod environment;
mod error;
mod estate;
mod exemption;
mod lines;
mod load;
mod manifest;
mod name;
mod print;
mod rate;
mod sections;
mod sources;
mod strictness;
mod tree;
mod validate;

pub use document::Document;
pub use environment::{Environment, EnvironmentError};
pub use error::{ConfigError, Problem};
pub use estate::{ESTATE, ORGANISATION, dns_name, trust_domain};
pub use exemption::{Exemption, Expires};
pub use load::Config;
pub use manifest::{Edge, Manifest, ManifestCall, ManifestExemption};
pub use name::{InvalidName, check_service_name};
pub use rate::Rate;
pub use sections::{
    Admin, Audit, Cors, Database, Limits, Listen, LogFormat, Policy, PolicyMode, SharedLimits,
    Telemetry, Tls, Tokens, Upstream, XForwardedFor,
};
