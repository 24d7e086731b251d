//! Runs a whole estate on loopback: certificate authorities, processes, dev issuer; what an attacker from
//! outside sends; and the committed papers. For the command line and the tests; no service depends on it.

pub mod abuse;
pub mod client;
mod compile;
mod estate;
#[cfg(test)]
mod fixture;
mod graph;
mod issuer;
pub mod paper;
pub mod pki;
mod process;
mod summary;
mod workspace;

pub use compile::{Binaries, BuildProgress, Profile, build};
pub use estate::{Estate, Options, Running, StartProgress};
pub use graph::{Call, Endpoint, Graph, Node};
pub use issuer::{Issuer, TOKEN_LIFETIME, TokenRequest, TokenResponse};
pub use pki::Pki;
pub use summary::{EdgeSummary, ServiceSummary, Summary};
pub use workspace::{ServiceFolder, Workspace};
