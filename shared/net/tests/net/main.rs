//! The serving loop and the connector over real sockets, with certificates made for the run.
//!
//! What stock tonic, axum, axum-server and rustls were found to do, and what shows that it is not so
//! here. Without a path a test stands in this suite.
//!
//! | finding | shown by |
//! |---|---|
//! | TLS 1.3 resumption takes an expired, revoked or no longer trusted certificate | `protocol::an_expired_certificate_resumes_nothing`, `protocol::sessions_resume_at_the_edge_but_never_between_services` |
//! | no limit of streams on a connection, none of local resets | `floods::five_thousand_streams`, `floods::requests_that_are_none` |
//! | a stalled handshake stays open | `deadlines::a_stalled_handshake_is_closed`, `deadlines::silent_connections_take_no_handshake_slot` |
//! | silence after the handshake stays open | `deadlines::silence_after_the_handshake_is_closed` |
//! | a connection's age closes it hard, without GOAWAY | `rotation::a_connection_of_age_is_asked_to_leave_and_loses_nothing` |
//! | a server's timeout bounds the head of an answer only | `floods::a_reader_with_a_closed_window_loses_its_stream_and_nothing_else`, `shared/middleware/tests/bodies.rs` `a_late_stream_says_so_in_its_trailers`, `tests/e2e/limits.rs` `a_stream_holds_its_place_and_ends_at_its_deadline` |
//! | a shutdown waits for the last stream for ever | `drain::a_stuck_request_is_aborted_at_the_deadline` |
//! | without file descriptors the accept loop spins | `descriptors::at_the_limit_the_listener_waits_and_recovers` |
//! | slow HTTP/1 heads are held, large ones read | `deadlines::a_slow_request_head_is_closed`, `floods::huge_headers_over_http_1_are_answered_431` |
//! | concurrency is limited by connection only | `tests/e2e/limits.rs` `one_request_too_many_is_refused_at_once` |
//! | token verification requires only `exp`, with a minute of leeway | `tests/e2e/tokens.rs` `a_wrong_token_is_refused` |
//! | webpki takes a leaf without extended key usage and knows no trust domain | `caller::for_no_stated_use`, `caller::of_another_environment` |
//! | PING and SETTINGS are answered for as long as the answers are read | `floods::pings`, `floods::settings` |
#![cfg(test)]

mod callee;
mod caller;
mod channel;
mod deadlines;
mod descriptors;
mod drain;
mod edge;
mod fetch;
mod fixture;
mod floods;
mod hostile;
mod protocol;
mod proxy;
mod rotation;
