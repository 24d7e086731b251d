//! Clients of other services, each call made on behalf of the call being served.

use std::{
    marker::PhantomData,
    task::{Context, Poll},
};

use http::{Request, Response};
use strata_core::{Call, ClientOver};
use strata_middleware::outbound::OnBehalfOf;
use strata_net::Answer;
use tonic::{Status, body::Body};
use tower::Service;

use crate::stack::ClientStack;

/// Another service, by the generated client `C`. Cheap to clone; connections are shared.
pub struct Upstream<C> {
    stack: ClientStack,
    client: PhantomData<fn() -> C>,
}

impl<C> Clone for Upstream<C> {
    fn clone(&self) -> Self {
        Self {
            stack: self.stack.clone(),
            client: PhantomData,
        }
    }
}

impl<C: ClientOver<Transport>> Upstream<C> {
    pub(crate) const fn new(stack: ClientStack) -> Self {
        Self {
            stack,
            client: PhantomData,
        }
    }

    /// A client whose requests carry the user, deadline and trace of `call`. There is no other way
    /// to get one.
    #[must_use]
    pub fn on_behalf_of(&self, call: &Call) -> C {
        C::over(Transport {
            stack: self.stack.clone(),
            call: call.clone(),
        })
    }
}

/// The transport under a generated client.
#[derive(Clone)]
pub struct Transport {
    stack: ClientStack,
    call: Call,
}

impl Service<Request<Body>> for Transport {
    type Response = Response<Answer>;
    type Error = Status;
    type Future = <ClientStack as Service<OnBehalfOf>>::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.stack.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let call = self.call.clone();
        self.stack.call(OnBehalfOf { call, request })
    }
}
