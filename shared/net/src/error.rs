//! Why a connection outward did not come about.

use std::{io, net::SocketAddr};

use strata_tls::{MaterialError, Refusal};

use crate::transport::refusal;

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
    /// What answers there does not speak HTTP/2 (RFC 9113), or broke off.
    #[error("no HTTP/2 with `{address}`: {source}")]
    Http2 {
        /// Host and port.
        address: String,
        /// What HTTP/2 says.
        source: h2::Error,
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

impl NetError {
    /// TCP or TLS with `address` did not come about.
    pub(crate) fn connect(address: SocketAddr, source: io::Error) -> Self {
        let address = address.to_string();
        match refusal(&source) {
            Some(refusal) => Self::Refused { address, refusal },
            None => Self::Connect { address, source },
        }
    }

    /// HTTP/2 with `address` did not come about. A refusal of this side's certificate arrives here:
    /// in TLS 1.3 the handshake is over on this side before the other has read it.
    pub(crate) fn http2(address: SocketAddr, source: h2::Error) -> Self {
        let address = address.to_string();
        match source.get_io().and_then(refusal) {
            Some(refusal) => Self::Refused { address, refusal },
            None => Self::Http2 { address, source },
        }
    }
}
