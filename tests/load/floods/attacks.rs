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

impl Flood {
    /// Whether it is made of frames; what comes as text, or as nothing, is no HTTP/2.
    pub(crate) fn is_http2(&self) -> bool {
        ![
            "R7",
            "R8",
            "R10 huge body",
            "R11 bomb, signed in",
            "R12 deep JSON",
        ]
        .iter()
        .any(|text| self.name.starts_with(text))
    }
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
const FLOOD: Counted = Counted::Event(&["flood"]);
const IDLE: Counted = Counted::Event(&["unresponsive", "slow_exchange", "slow_headers", "silent"]);

const STALL: Counted = Counted::Event(&["handshake_timeout"]);
const HEAD: Counted = Counted::Event(&["headers_too_large", "flood"]);
const MANY: Counted = Counted::Event(&["too_many_connections"]);
const STARVED: Counted = Counted::Event(&["no_descriptors"]);
/// Compressed, which nothing here is.
const UNREAD: Counted = Counted::Outcome("UNIMPLEMENTED");
const LATE: Counted = Counted::Outcome("DEADLINE_EXCEEDED");

/// The flooded service has so few while this goes on.
pub(crate) const FEW_DESCRIPTORS: &str = "R13 connections, 60 descriptors";

/// What ends in these words comes from a user with a token: it gets as far as a method.
pub(crate) const SIGNED_IN: &str = ", signed in";

/// What is answered as the mistake of whoever sent it.
const REFUSED: Counted = Counted::Outcome("INVALID_ARGUMENT");

pub(crate) const FLOODS: [Flood; 25] = [
    flood("R1 rapid reset", At::Edge, SHORT, FLOOD),
    flood("R1 rapid reset, signed in", At::Edge, SHORT, FLOOD),
    flood("R1 rapid reset", At::Hop, SHORT, FLOOD),
    flood("R2 continuation", At::Edge, SHORT, FLOOD),
    flood("R2 continuation", At::Hop, SHORT, FLOOD),
    flood("R3 pings", At::Edge, SHORT, FLOOD),
    flood("R3 settings", At::Edge, SHORT, FLOOD),
    flood("R3 empty data", At::Edge, SHORT, FLOOD),
    flood("R4 5,000 streams", At::Edge, SHORT, FLOOD),
    flood("R5 no window", At::Edge, LONG, IDLE),
    flood("R5 no window, signed in", At::Edge, LONG, IDLE),
    flood("R6 handshake stall", At::Edge, SHORT, STALL),
    flood("R7 silence", At::Edge, SHORT, IDLE),
    flood("R8 slow head", At::Edge, SHORT, IDLE),
    flood("R8 slow body, signed in", At::Edge, LONG, LATE),
    flood("R9 huge head", At::Edge, SHORT, HEAD),
    flood("R10 huge body, signed in", At::Edge, SHORT, REFUSED),
    flood("R10 huge message", At::Hop, SHORT, REFUSED),
    flood("R11 bomb, signed in", At::Edge, SHORT, REFUSED),
    flood("R11 bomb, in a call", At::Hop, SHORT, UNREAD),
    flood("R12 deep JSON, signed in", At::Edge, SHORT, REFUSED),
    flood("R12 deep message", At::Hop, SHORT, REFUSED),
    flood("R13 connections", At::Edge, SHORT, MANY),
    flood(FEW_DESCRIPTORS, At::Edge, SHORT, STARVED),
    flood("R16 stream, signed in", At::Edge, LONG, IDLE),
];
