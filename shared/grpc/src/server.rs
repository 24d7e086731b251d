//! What the stack asks of every generated server.

use strata_core::Contract;

/// A generated server. Only codegen implements it, so that a service has no other way to be served.
pub trait Server: Contract {
    /// Refuses messages of more than `bytes`, before they are read.
    #[must_use]
    fn with_message_limit(self, bytes: usize) -> Self;
}
