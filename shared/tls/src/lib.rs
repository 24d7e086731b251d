//! The only crate that decides what TLS is: material, verifiers, configurations.
//!
//! Between services: TLS 1.3, both sides with an SVID, one trust domain per layer, no resumption,
//! the callee's SPIFFE ID pinned. At the edge: TLS 1.3 for any client. Nothing else is on offer, so
//! nothing else can be configured by mistake.
//!
//! Material is read anew for every handshake, so it can be replaced under a running service, and
//! [`Peers`] tells when what a handshake proved no longer holds.

mod anchors;
mod audit;
mod certificate;
mod config;
mod error;
mod folder;
mod key_file;
mod live;
mod material;
mod parts;
mod peers;
mod refusal;
mod revocation;
mod snapshot;
mod tokens;
mod trust;
mod verify;

pub use audit::{AUDIT_USAGE, AuditKey, AuditSigner, Auditors, Signed};
pub use config::web_config;
pub use error::MaterialError;
pub use folder::Folder;
pub use key_file::{MASK_KEY, read_private};
pub use material::{Material, Reload};
pub use parts::MaterialPart;
pub use peers::Peers;
pub use refusal::Refusal;
pub use tokens::{TOKEN_USAGE, TokenIssuer, TokenIssuers, TokenSigner};
pub use trust::{Exempted, Trust};

#[cfg(test)]
mod fixture;
