//! The only crate that decides what TLS is: material, verifiers, configurations.
//!
//! Between services: TLS 1.3, both sides with an SVID, one trust domain per layer, no resumption,
//! the callee's SPIFFE ID pinned. At the edge: TLS 1.3 for any client. Nothing else is on offer, so
//! nothing else can be configured by mistake.

mod certificate;
mod config;
mod error;
mod key_file;
mod material;
mod refusal;
mod trust;
mod verify;

pub use config::web_config;
pub use error::MaterialError;
pub use material::Material;
pub use refusal::Refusal;
pub use trust::Trust;
pub use verify::peer_id;

#[cfg(test)]
mod fixture;
