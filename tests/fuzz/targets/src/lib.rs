//! What is asked of parsers and decisions, whatever they are fed. The same targets are fed by
//! `cargo fuzz` (`tests/fuzz`) and, with what that has found, by `cargo test`.
//!
//! - `identity`: SPIFFE IDs and the certificates that carry them;
//! - `proxy`: the PROXY protocol;
//! - `config`: a service's configuration;
//! - `token`: transaction tokens;
//! - `json`: requests and messages by the protobuf JSON mapping;
//! - `mask`: masking;
//! - `audit`: the verification of audit trails;
//! - `callers`: callers.toml;
//! - `material`: services with keys that live as long as the process.

#![expect(
    clippy::indexing_slicing,
    reason = "only tests and fuzzing link this: a panic is a finding"
)]

mod audit;
mod callers;
mod config;
mod identity;
mod json;
mod mask;
mod material;
mod proxy;
mod token;

use anyhow::Result;

pub use audit::Audit;
pub use callers::Callers;
pub use config::Config;
pub use identity::Identity;
pub use json::Json;
pub use mask::Mask;
pub use proxy::Proxy;
pub use token::Token;

/// What became of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was taken for what it says.
    Accepted,
    /// It was refused.
    Refused,
}

/// Something that is fed whatever anybody may send or write.
pub trait Target: Sized {
    /// Its name: also of its binary and of its corpus.
    const NAME: &'static str;

    /// Makes what it needs.
    ///
    /// # Errors
    /// When there is no place for temporary files.
    fn new() -> Result<Self>;

    /// Inputs as honest peers and people make them: each is accepted.
    ///
    /// # Errors
    /// When one cannot be made.
    fn honest(&self) -> Result<Vec<Vec<u8>>>;

    /// Feeds it an input.
    ///
    /// # Errors
    /// The property that does not hold.
    fn check(&self, input: &[u8]) -> Result<Verdict>;
}
