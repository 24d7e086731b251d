//! What every call to another workload carries: whom it is for, until when, in which trace. It
//! comes from the [`Call`] being served, so a handler can neither forget nor invent it.

use std::task::{Context, Poll};

use futures_util::future::{Either, Ready, ready};
use http::{HeaderMap, Request, Response};
use strata_core::{Call, ErrorCode};

use tonic::body::Body;
use tower::{Layer, Service};

use crate::{deadline, principal, refuse::Refuse};

/// Writes the [`Call`] in the request's extensions into its metadata; without one the request is
/// not sent.
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

impl<S> Service<Request<Body>> for Outbound<S>
where
    S: Service<Request<Body>, Response = Response<Body>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Either<S::Future, Ready<Result<S::Response, S::Error>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let written = match request.extensions_mut().remove::<Call>() {
            Some(call) => write(&call, request.headers_mut()),
            None => Err(ErrorCode::Internal),
        };
        match written {
            Ok(()) => Either::Left(self.inner.call(request)),
            Err(code) => Either::Right(ready(Ok(S::Response::refuse(code, None)))),
        }
    }
}

fn write(call: &Call, headers: &mut HeaderMap) -> Result<(), ErrorCode> {
    deadline::write(call.deadline, headers)?;
    strata_telemetry::inject(&call.trace, headers);
    if let Some(user) = &call.principal {
        principal::write(user, headers).map_err(|_| ErrorCode::Internal)?;
    }
    Ok(())
}
