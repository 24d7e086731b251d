//! What `up --once`, `token` and the tests ask an edge, an issuer or an admin listener with.

use std::{path::Path, time::Duration};

use anyhow::Result;
use bytes::Bytes;
use http::{Request, Response};
use strata_net::fetch::{self, Bounds};

/// Longer than any service's own deadline, larger than any page.
const BOUNDS: Bounds = Bounds {
    time: Duration::from_secs(15),
    bytes: 4 * 1024 * 1024,
};

/// Sends one request and reads its answer. An `https` URI is verified against the roots in the PEM
/// file `roots`, or the system's.
///
/// # Errors
/// When no answer comes: connection, TLS, deadline or size.
pub async fn send(request: Request<Bytes>, roots: Option<&Path>) -> Result<Response<Bytes>> {
    Ok(fetch::send(request, roots, BOUNDS).await?)
}
