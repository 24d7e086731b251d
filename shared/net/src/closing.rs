//! What the end of a connection says about its peer.

use std::{error::Error, io, iter::successors};

use h2::Reason;

pub(crate) const FLOOD: &str = "flood";
pub(crate) const SILENT: &str = "silent";
const UNRESPONSIVE: &str = "unresponsive";

/// The word for what a peer did, when it was no honest end. `asked` says whether it ever made a
/// request: one that is merely idle afterwards is closed by the same timer.
pub(crate) fn abuse(error: &(dyn Error + 'static), asked: bool) -> Option<&'static str> {
    successors(Some(error), |&error| error.source()).find_map(|cause| {
        if let Some(error) = cause.downcast_ref() {
            of_http2(error)
        } else if let Some(error) = cause.downcast_ref() {
            of_hyper(error, asked)
        } else {
            cause.downcast_ref().and_then(of_stream)
        }
    })
}

/// Only what this side found: a peer may end a connection for whatever reason it likes.
fn of_http2(error: &h2::Error) -> Option<&'static str> {
    match error.reason() {
        None => error.get_io().and_then(of_stream),
        Some(_) if error.is_remote() => None,
        Some(Reason::NO_ERROR) => None,
        Some(Reason::ENHANCE_YOUR_CALM) => Some(FLOOD),
        Some(_) => Some("malformed_http"),
    }
}

fn of_hyper(error: &hyper::Error, asked: bool) -> Option<&'static str> {
    if error.is_parse_too_large() {
        Some("headers_too_large")
    } else if error.is_parse() {
        Some("malformed_http")
    } else if !error.is_timeout() {
        None
    } else if error.source().is_some() {
        // hyper has no other mark of a keepalive that was not answered.
        Some(UNRESPONSIVE)
    } else {
        (!asked).then_some("slow_headers")
    }
}

/// As [`Guarded`](crate::guarded::Guarded) ends a connection.
fn of_stream(error: &io::Error) -> Option<&'static str> {
    match error.kind() {
        io::ErrorKind::TimedOut => Some(SILENT),
        io::ErrorKind::WriteZero => Some(UNRESPONSIVE),
        io::ErrorKind::QuotaExceeded => Some(FLOOD),
        _ => None,
    }
}
