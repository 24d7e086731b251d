//! Which methods a consumer's plan has.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::future::{Either, Ready, ready};
use http::{Extensions, Request};
use strata_core::{ErrorCode, Method};
use strata_policy::Consumer;
use strata_telemetry::{Events, SecurityEvent};
use tower::{Layer, Service};

use crate::{refuse::Refuse, who::who};

/// Refuses with PERMISSION_DENIED the methods that the plan of the request's [`Consumer`] does not have.
#[derive(Clone)]
pub struct PlanLayer {
    events: Events,
}

impl PlanLayer {
    /// A layer that reports refusals to `events`.
    #[must_use]
    pub const fn new(events: Events) -> Self {
        Self { events }
    }

    fn refusal(&self, extensions: &Extensions) -> Option<ErrorCode> {
        let (Some(method), Some(consumer)) = (
            extensions.get::<Method>(),
            extensions.get::<Arc<Consumer>>(),
        ) else {
            return Some(ErrorCode::Internal);
        };
        if consumer.plan.allows(method) {
            return None;
        }
        self.events.emit(&SecurityEvent::AccessRefused {
            who: who(extensions),
            method: method.path,
            reason: "not_in_plan",
        });
        Some(ErrorCode::PermissionDenied)
    }
}

impl<S> Layer<S> for PlanLayer {
    type Service = RequirePlan<S>;

    fn layer(&self, inner: S) -> Self::Service {
        RequirePlan {
            layer: self.clone(),
            inner,
        }
    }
}

/// See [`PlanLayer`].
#[derive(Clone)]
pub struct RequirePlan<S> {
    layer: PlanLayer,
    inner: S,
}

impl<S, B> Service<Request<B>> for RequirePlan<S>
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
