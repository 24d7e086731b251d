//! What tests of refusals stand on: credentials with exactly one flaw, and a gRPC client that
//! presents any of them and calls any method; and plain TLS connections for what is no such client.

mod credential;
mod crl;
mod dialer;
mod flaw;
mod probe;

pub use credential::Credential;
pub use crl::crl;
pub use dialer::Dialer;
pub use flaw::Flaw;
pub use probe::Probe;
