//! Nothing that says who somebody is comes in from outside but the access token.

use std::task::{Context, Poll};

use http::{HeaderName, Request};
use strata_core::Caller;
use tower::{Layer, Service};

use crate::{deadline::GRPC_TIMEOUT, transaction_token::TXN_TOKEN};

/// Everything under it is the estate's own.
const RESERVED_PREFIX: &str = "strata-";

/// Removes the headers that only workloads of the estate send each other, and marks the request as
/// one of the edge.
#[derive(Clone, Copy, Debug)]
pub struct StripLayer;

impl<S> Layer<S> for StripLayer {
    type Service = Strip<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Strip { inner }
    }
}

/// See [`StripLayer`].
#[derive(Clone, Debug)]
pub struct Strip<S> {
    inner: S,
}

impl<S, B> Service<Request<B>> for Strip<S>
where
    S: Service<Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let reserved: Vec<HeaderName> = request
            .headers()
            .keys()
            .filter(|name| {
                name.as_str().starts_with(RESERVED_PREFIX)
                    || [TXN_TOKEN, GRPC_TIMEOUT].contains(name)
            })
            .cloned()
            .collect();
        for name in reserved {
            request.headers_mut().remove(name);
        }
        request.extensions_mut().insert(Caller::Edge);
        self.inner.call(request)
    }
}
