//! What tests of refusals stand on: credentials with exactly one flaw, and a gRPC client that
//! presents any of them and calls any method.

mod credential;
mod flaw;
mod probe;

pub use credential::Credential;
pub use flaw::Flaw;
pub use probe::Probe;
