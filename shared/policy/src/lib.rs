//! Who may call which method, and up to which clearance (callers.toml, owned by the callee), and
//! what each role of a user may see (roles.toml, owned by the Experience API).
//!
//! Default-deny: what the document does not grant is refused, and a document with any mistake in
//! it is not used at all.

mod callers;
mod file;
mod roles;

pub use callers::{Callers, Denied, Grant};
pub use file::{CallerEntry, CallersFile, PolicyError};
pub use roles::Roles;
