//! The service's policies at the door: what none of them permits does not reach the handler.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::future::{Either, Ready, ready};
use http::{Extensions, Request};
use strata_config::PolicyMode;
use strata_core::{Caller, ErrorCode, Method};
use strata_guard::{Facts, Guard};
use strata_net::Peer;
use strata_telemetry::{Events, SecurityEvent};
use tower::{Layer, Service};

use crate::refuse::Refuse;

/// Asks the policies about the matched [`Method`], for caller and user of the request. Which policy
/// decided is told in the security event and nowhere else.
#[derive(Clone)]
pub struct GuardLayer {
    guard: Arc<Guard>,
    mode: PolicyMode,
    events: Events,
}

impl GuardLayer {
    /// A layer over loaded policies. In audit mode it tells what it would refuse, and lets it pass.
    #[must_use]
    pub const fn new(guard: Arc<Guard>, mode: PolicyMode, events: Events) -> Self {
        Self {
            guard,
            mode,
            events,
        }
    }

    fn refusal(&self, extensions: &Extensions) -> Option<ErrorCode> {
        // Without them a layer above is missing: a defect, and never an open door.
        let (Some(method), Some(caller)) = (extensions.get::<Method>(), extensions.get::<Caller>())
        else {
            return Some(ErrorCode::Internal);
        };
        let caller = match caller {
            Caller::Workload(id) => Some(id),
            Caller::Edge => None,
        };
        let facts = Facts {
            caller,
            user: extensions.get(),
            network: extensions.get::<Peer>().map(|peer| peer.address.ip()),
        };
        let denied = self.guard.decide(method.name, &facts).err()?;
        let enforced = self.mode == PolicyMode::Enforce;
        self.events.emit(&SecurityEvent::PolicyDenied {
            caller: caller.map(strata_core::SpiffeId::as_str),
            method: method.path,
            policy: denied.policy.as_deref(),
            enforced,
            reason: denied.reason,
        });
        enforced.then_some(ErrorCode::PermissionDenied)
    }
}

impl<S> Layer<S> for GuardLayer {
    type Service = AskPolicies<S>;

    fn layer(&self, inner: S) -> Self::Service {
        AskPolicies {
            layer: self.clone(),
            inner,
        }
    }
}

/// See [`GuardLayer`].
#[derive(Clone)]
pub struct AskPolicies<S> {
    layer: GuardLayer,
    inner: S,
}

impl<S, B> Service<Request<B>> for AskPolicies<S>
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

    fn call(&mut self, request: Request<B>) -> Self::Future {
        match self.layer.refusal(request.extensions()) {
            None => Either::Left(self.inner.call(request)),
            Some(code) => {
                let trace = request.extensions().get();
                Either::Right(ready(Ok(S::Response::refuse(code, trace))))
            }
        }
    }
}
