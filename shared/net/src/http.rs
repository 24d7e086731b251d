//! How HTTP is spoken on every listener.

use hyper_util::{rt::TokioTimer, server::conn::auto::Builder};

use crate::{limits::Limits, streams::Streams};

const KIB: u32 = 1024;

/// Head of a request: header fields of HTTP/2 (RFC 9113, section 6.5.2) and of HTTP/1.1.
const HEADER_BYTES: u32 = 16 * KIB;
const HEADERS: usize = 64;

/// What a connection may buffer. The connection window bounds all its streams together.
const STREAM_WINDOW: u32 = 256 * KIB;
const CONNECTION_WINDOW: u32 = 1024 * KIB;
const SEND_BUFFER: usize = 64 * KIB as usize;
const HTTP1_BUFFER: usize = 32 * KIB as usize;

/// Streams reset by the peer before they are accepted (rapid reset, CVE-2023-44487): more than an
/// honest client cancels at once, less than an attacker needs
/// (<https://github.com/hyperium/h2/pull/668>).
const PENDING_RESETS: usize = 256;
/// Streams reset by this side, in the life of a connection: with a small value honest clients meet
/// GOAWAY under load (<https://github.com/hyperium/h2/pull/737>,
/// <https://github.com/hyperium/h2/issues/856>).
const LOCAL_RESETS: usize = 1024;

/// A peer is asked whether it is there when nothing came for so many header timeouts, and has so
/// many to answer. This finds those that went away without a word, and those that stopped within a
/// request's head: while that is open, they may send nothing else (RFC 9113, section 6.10).
const KEEPALIVE_INTERVAL: u32 = 4;
const KEEPALIVE_TIMEOUT: u32 = 2;

/// What TLS agreed on is spoken and nothing else: nothing is guessed from the first bytes.
pub(crate) fn builder(http2: bool, limits: &Limits, streams: Streams) -> Builder<Streams> {
    let mut builder = Builder::new(streams);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(limits.header_timeout * KEEPALIVE_INTERVAL)
        .keep_alive_timeout(limits.header_timeout * KEEPALIVE_TIMEOUT)
        .max_concurrent_streams(limits.concurrent_streams)
        .max_pending_accept_reset_streams(PENDING_RESETS)
        .max_local_error_reset_streams(LOCAL_RESETS)
        .max_header_list_size(HEADER_BYTES)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buf_size(SEND_BUFFER);
    builder
        .http1()
        // Without a timer hyper panics at the first header timeout; axum sets neither
        // (<https://github.com/tokio-rs/axum/issues/2741>).
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        .max_headers(HEADERS)
        .max_buf_size(HTTP1_BUFFER);
    if http2 {
        builder.http2_only()
    } else {
        builder.http1_only()
    }
}
