//! What whoever took too much is told.

use std::time::Duration;

/// The limit is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a limit is used up: retry after {} ms", wait.as_millis())]
pub struct Refused {
    /// How long nothing more is to be had.
    pub wait: Duration,
}

impl Refused {
    /// The wait in whole seconds, at least one, as `Retry-After` gives it (RFC 9110, section 10.2.3).
    #[must_use]
    pub fn seconds(self) -> u64 {
        seconds(self.wait)
    }
}

/// In whole seconds, rounded up, at least one: who is told less comes back too early.
pub(crate) const fn seconds(wait: Duration) -> u64 {
    let whole = wait.as_secs() + (wait.subsec_nanos() > 0) as u64;
    if whole == 0 { 1 } else { whole }
}
