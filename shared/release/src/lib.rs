//! What leaves a process is masked to whoever gets it.
//!
//! - `release`: for whom an answer is, while it is made and sent;
//! - `tokens`: tokens in place of values, by the key of the environment.

mod release;
mod tokens;

pub use release::{NoTokens, Note, Refused, Release, answer, current, names, request};
pub use tokens::{BadKey, KeyedTokens};
