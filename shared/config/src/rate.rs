//! How many, in which time.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A number of requests in a time: `{ requests = 100, per = "1s" }`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// Requests, at least one.
    pub requests: u32,
    /// In this time: a millisecond to [`Rate::LONGEST`].
    #[serde(with = "humantime_serde")]
    pub per: Duration,
}

impl Rate {
    /// The longest time a rate is over: 31 days.
    pub const LONGEST: Duration = Duration::from_secs(31 * 24 * 3600);

    /// What is wrong with it, if anything: the key, and what to do.
    #[must_use]
    pub fn problem(&self) -> Option<(&'static str, &'static str)> {
        if self.requests == 0 {
            Some(("requests", "is zero: no limit can be switched off"))
        } else if self.per < Duration::from_millis(1) {
            Some(("per", "is less than 1ms: name a time, such as \"1s\""))
        } else if self.per > Self::LONGEST {
            Some(("per", "is more than 31 days: name a shorter time"))
        } else if self.per / self.requests < Duration::from_nanos(1) {
            Some(("requests", "is more than one in a nanosecond: name fewer"))
        } else {
            None
        }
    }
}
