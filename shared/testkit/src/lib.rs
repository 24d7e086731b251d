//! What tests of refusals stand on: credentials with exactly one flaw, and a gRPC client that
//! presents any of them and calls any method; and plain TLS connections for what is no such client.

mod acceptor;
mod credential;
mod crl;
mod dialer;
mod flaw;
mod probe;
mod transaction_token;

pub use acceptor::{Accepted, Acceptor};
pub use credential::Credential;
pub use crl::crl;
pub use dialer::{Connected, Dialer};
pub use flaw::Flaw;
pub use probe::Probe;
pub use strata_estate::abuse::{Frame, PREFACE, field};
pub use transaction_token::TransactionToken;
