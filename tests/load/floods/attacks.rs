//! The floods of the catalogue, and how each is known to be refused.

use std::time::Duration;

/// Whom a flood is meant for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum At {
    /// An Experience API: the flood comes from anybody.
    Edge,
    /// A System API: the flood comes from a workload it admits.
    Hop,
}

/// What the flooded service counts.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Counted {
    /// A security event, for one of these reasons.
    Event(&'static [&'static str]),
    /// A request of this outcome.
    Outcome(&'static str),
}

/// One flood.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flood {
    /// Its row in the catalogue, and a word.
    pub(crate) name: &'static str,
    pub(crate) at: At,
    /// How long it goes on: until the deadline that ends it has passed.
    pub(crate) lasts: Duration,
    pub(crate) counted: Counted,
}

const SHORT: Duration = Duration::from_secs(4);
/// Above the exchange's deadline of the flooded services.
const LONG: Duration = Duration::from_secs(9);

const fn flood(name: &'static str, at: At, lasts: Duration, counted: Counted) -> Flood {
    Flood {
        name,
        at,
        lasts,
        counted,
    }
}

/// What a peer that asks and asks, and what one that does not answer, is counted as.
const FLOOD: Counted = Counted::Event(&["flood", "malformed_http"]);
const IDLE: Counted = Counted::Event(&["unresponsive", "slow_exchange", "slow_headers", "silent"]);

/// What ends in these words comes from a user with a token: it gets as far as a method.
pub(crate) const SIGNED_IN: &str = ", signed in";

pub(crate) const FLOODS: [Flood; 19] = [
    flood("R1 rapid reset", At::Edge, SHORT, FLOOD),
    flood("R1 rapid reset, signed in", At::Edge, SHORT, FLOOD),
    flood("R1 rapid reset", At::Hop, SHORT, FLOOD),
    flood("R2 continuation", At::Edge, SHORT, FLOOD),
    flood("R2 continuation", At::Hop, SHORT, FLOOD),
    flood(
        "R3 pings",
        At::Edge,
        SHORT,
        Counted::Event(&["flood", "unresponsive"]),
    ),
    flood(
        "R3 settings",
        At::Edge,
        SHORT,
        Counted::Event(&["flood", "unresponsive"]),
    ),
    flood("R3 empty data", At::Edge, SHORT, FLOOD),
    flood("R4 5,000 streams", At::Edge, SHORT, FLOOD),
    flood("R5 no window", At::Edge, LONG, IDLE),
    flood("R5 no window, signed in", At::Edge, LONG, IDLE),
    flood(
        "R6 handshake stall",
        At::Edge,
        SHORT,
        Counted::Event(&["handshake_timeout"]),
    ),
    flood("R7 silence", At::Edge, SHORT, IDLE),
    flood("R8 slow head", At::Edge, SHORT, IDLE),
    flood("R8 slow body, signed in", At::Edge, LONG, IDLE),
    flood(
        "R9 huge head",
        At::Edge,
        SHORT,
        Counted::Event(&["headers_too_large"]),
    ),
    flood(
        "R10 huge body, signed in",
        At::Edge,
        SHORT,
        Counted::Outcome("INVALID_ARGUMENT"),
    ),
    flood(
        "R12 deep JSON, signed in",
        At::Edge,
        SHORT,
        Counted::Outcome("INVALID_ARGUMENT"),
    ),
    flood(
        "R13 connections",
        At::Edge,
        SHORT,
        Counted::Event(&["too_many_connections"]),
    ),
];
