//! The words every crate of the estate shares. No IO, no wire format: neither tonic, axum, tokio
//! nor rustls may be named here, so that the rule and the labels can be tested without any of them.

pub mod bounded;
pub mod call;
pub mod contract;
pub mod error;
pub mod label;
pub mod layer;
pub mod masking;
pub mod object;
pub mod principal;
pub mod spiffe;

pub use bounded::{Bounded, Excess};
pub use call::{Call, Caller, Credential, TraceContext};
pub use contract::{CallableFrom, ClientOver, Contract, Method};
pub use error::{Error, ErrorCode};
pub use label::{Categories, Category, Clearance, Label, Sensitivity};
pub use layer::{Experience, Layer, Process, System, Tier};
pub use masking::Classified;
pub use object::{AGENT, Object, Objects, Owned, Unchecked};
pub use principal::{Authentication, Principal};
/// A value that must never be printed: `Debug` shows `[REDACTED]`, memory is wiped on drop.
pub use secrecy::{ExposeSecret, SecretString};
pub use spiffe::{SpiffeId, TrustDomain};
