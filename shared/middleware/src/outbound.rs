//! What every call to another workload carries: whom it is for, until when, in which trace. It
//! comes from the [`Call`] being served, so a handler can neither forget nor invent it.

use std::{
    error::Error,
    iter::successors,
    task::{Context, Poll},
};

use futures_util::{
    TryFutureExt as _,
    future::{Either, OrElse, Ready, ready},
};
use http::{HeaderMap, Request, Response};
use strata_core::{Call, ErrorCode};
use tonic::{TimeoutExpired, body::Body};
use tower::{Layer, Service};

use crate::{deadline, principal, refuse::Refuse};

/// Writes the [`Call`] in the request's extensions into its metadata; without one the request is
/// not sent. A call that misses its deadline is answered with that code.
#[derive(Clone, Copy, Debug)]
pub struct OutboundLayer;

impl<S> Layer<S> for OutboundLayer {
    type Service = Outbound<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Outbound { inner }
    }
}

/// See [`OutboundLayer`].
#[derive(Clone, Debug)]
pub struct Outbound<S> {
    inner: S,
}

/// What a call ends in: a response, or why there is none.
type Answer<E> = Result<Response<Body>, E>;

impl<S> Service<Request<Body>> for Outbound<S>
where
    S: Service<Request<Body>, Response = Response<Body>>,
    S::Error: Error + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Either<
        OrElse<S::Future, Ready<Answer<S::Error>>, fn(S::Error) -> Ready<Answer<S::Error>>>,
        Ready<Answer<S::Error>>,
    >;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let written = match request.extensions_mut().remove::<Call>() {
            Some(call) => write(&call, request.headers_mut()),
            None => Err(ErrorCode::Internal),
        };
        match written {
            Ok(()) => Either::Left(self.inner.call(request).or_else(missed)),
            Err(code) => Either::Right(ready(Ok(S::Response::refuse(code, None)))),
        }
    }
}

/// tonic's channel keeps the deadline in the metadata and would report it as CANCELLED, which means
/// something else to whoever is answered.
fn missed<E: Error + 'static>(error: E) -> Ready<Answer<E>> {
    let first: &(dyn Error + 'static) = &error;
    let mut causes = successors(Some(first), |&cause| cause.source());
    ready(if causes.any(|cause| cause.is::<TimeoutExpired>()) {
        Ok(Refuse::refuse(ErrorCode::DeadlineExceeded, None))
    } else {
        Err(error)
    })
}

fn write(call: &Call, headers: &mut HeaderMap) -> Result<(), ErrorCode> {
    deadline::write(call.deadline, headers)?;
    strata_telemetry::inject(&call.trace, headers);
    if let Some(credential) = &call.credential {
        headers.insert(principal::HEADER, credential.clone());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the call failed")]
    struct Failed<E: Error + 'static>(#[source] E);

    #[tokio::test]
    async fn a_missed_deadline_is_told_from_a_lost_connection() {
        let response = missed(Failed(TimeoutExpired(()))).await.unwrap();
        let status = ErrorCode::DeadlineExceeded.grpc().to_string();
        assert_eq!(response.headers()["grpc-status"], status);
        assert!(missed(Failed(std::fmt::Error)).await.is_err());
    }
}
