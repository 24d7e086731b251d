//! callers.toml at the door: only a declared caller reaches a method, everyone else is refused
//! before a byte of the message is read.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::future::{Either, Ready, ready};
use http::Request;
use strata_core::{Caller, ErrorCode};
use strata_net::Peer;
use strata_policy::Callers;
use strata_telemetry::{Events, SecurityEvent, Who, within_trace_of};
use tower::{Layer, Service};

use crate::refuse::Refuse;

/// What a method is called that the caller may not know of.
const UNMATCHED: &str = "unmatched";

/// Lets a request through when callers.toml allows its peer the method, and puts [`Caller`],
/// the [`strata_core::Method`] and the granted [`strata_core::Clearance`] into its extensions.
#[derive(Clone)]
pub struct CallersLayer {
    callers: Arc<Callers>,
    events: Events,
}

impl CallersLayer {
    /// A layer over a loaded callers.toml.
    #[must_use]
    pub const fn new(callers: Arc<Callers>, events: Events) -> Self {
        Self { callers, events }
    }
}

impl<S> Layer<S> for CallersLayer {
    type Service = AllowCallers<S>;

    fn layer(&self, inner: S) -> Self::Service {
        AllowCallers {
            layer: self.clone(),
            inner,
        }
    }
}

/// See [`CallersLayer`].
#[derive(Clone)]
pub struct AllowCallers<S> {
    layer: CallersLayer,
    inner: S,
}

impl<S, B> Service<Request<B>> for AllowCallers<S>
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
        let refuse = |code| Either::Right(ready(Ok(Refuse::refuse(code, None))));
        // No identity means the listener is not an mTLS one: a defect, and never an open door.
        let peer = request.extensions().get::<Peer>();
        let Some((id, address)) = peer.and_then(|peer| Some((peer.id.clone()?, peer.address)))
        else {
            return refuse(ErrorCode::Unauthenticated);
        };
        let who = Who {
            user: None,
            caller: Some(id.as_str()),
            address: Some(address),
        };
        match self.layer.callers.decide(&id, request.uri().path()) {
            Ok(grant) => {
                if grant.exempted {
                    let method = grant.method.path;
                    within_trace_of(request.headers(), method, || {
                        let event = SecurityEvent::ExemptionUsed { who, method };
                        self.layer.events.emit(&event);
                    });
                }
                request.extensions_mut().insert(Caller::Workload(id));
                request.extensions_mut().insert(*grant.method);
                request.extensions_mut().insert(grant.clearance);
                Either::Left(self.inner.call(request))
            }
            Err(denied) => {
                within_trace_of(request.headers(), UNMATCHED, || {
                    self.layer.events.emit(&SecurityEvent::CallRefused {
                        who,
                        method: request.uri().path(),
                        resource: None,
                        reason: denied.reason(),
                    });
                });
                refuse(ErrorCode::PermissionDenied)
            }
        }
    }
}
