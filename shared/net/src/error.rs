//! Why a connection outward did not come about.

use std::{io, net::SocketAddr};

use strata_tls::{MaterialError, Refusal};

/// A failed connection or fetch.
#[derive(Debug, thiserror::Error)]
pub enum NetError {
    /// The endpoint is no address.
    #[error("`{0}` is no endpoint: write host:port")]
    Endpoint(String),
    /// The address does not answer.
    #[error("cannot connect to `{address}`: {source}")]
    Connect {
        /// Host and port.
        address: String,
        /// What the system says.
        source: io::Error,
    },
    /// The handshake was refused, by this side or by the other.
    #[error("the TLS handshake with `{address}` was refused: {refusal}")]
    Refused {
        /// Host and port.
        address: String,
        /// Why.
        refusal: Refusal,
    },
    /// It took longer than allowed.
    #[error("`{0}` did not answer in time")]
    TimedOut(String),
    /// Not an `https` URL, nor an `http` one on loopback.
    #[error("`{0}` is no URL to fetch from: use https, or http on loopback")]
    Url(String),
    /// Plain HTTP is for loopback only.
    #[error("`{url}` is plain http and resolves to {address}: use https")]
    NotLoopback {
        /// What was asked for.
        url: String,
        /// Where it leads.
        address: SocketAddr,
    },
    /// The answer is not 200. Redirects are not followed.
    #[error("`{url}` answered with status {status}")]
    Status {
        /// What was asked for.
        url: String,
        /// HTTP status code.
        status: u16,
    },
    /// The answer broke off or is too large.
    #[error("the answer of `{url}` cannot be read: {source}")]
    Answer {
        /// What was asked for.
        url: String,
        /// What went wrong.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The roots to verify the server by cannot be used.
    #[error(transparent)]
    Roots(#[from] MaterialError),
}
