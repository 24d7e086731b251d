//! The end of every inbound stack: what the layers found out, as the one [`Call`] a handler gets.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::future::{Either, Ready, ready};
use http::{Extensions, Request};
use strata_core::{Call, Caller, Credential, ErrorCode, Objects, Principal, TraceContext};
use tower::{Layer, Service};

use crate::{deadline::Deadline, refuse::Refuse};

/// Assembles the [`Call`]; a request that lacks a part of it is refused, because a layer is missing.
#[derive(Clone, Copy, Debug)]
pub struct CallLayer;

impl<S> Layer<S> for CallLayer {
    type Service = AssembleCall<S>;

    fn layer(&self, inner: S) -> Self::Service {
        AssembleCall { inner }
    }
}

/// See [`CallLayer`].
#[derive(Clone, Debug)]
pub struct AssembleCall<S> {
    inner: S,
}

impl<S, B> Service<Request<B>> for AssembleCall<S>
where
    S: Service<Request<B>>,
    S::Response: Refuse,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Either<S::Future, Ready<Result<S::Response, S::Error>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        match assemble(request.extensions()) {
            Some(call) => {
                request.extensions_mut().insert(call);
                Either::Left(self.inner.call(request))
            }
            None => Either::Right(ready(Ok(S::Response::refuse(
                ErrorCode::Internal,
                request.extensions().get(),
            )))),
        }
    }
}

fn assemble(extensions: &Extensions) -> Option<Call> {
    Some(Call {
        caller: extensions.get::<Caller>()?.clone(),
        principal: extensions.get::<Arc<Principal>>().cloned(),
        credential: extensions.get::<Credential>().cloned(),
        objects: extensions.get::<Arc<dyn Objects>>().cloned(),
        deadline: extensions.get::<Deadline>()?.0,
        trace: *extensions.get::<TraceContext>()?,
    })
}
