//! A method that acts for a user needs a user, and the user's token needs the method's scopes.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::future::{Either, Ready, ready};
use http::Request;
use strata_core::{ErrorCode, Method, Principal};
use strata_telemetry::{Events, SecurityEvent};
use tower::{Layer, Service};

use crate::{
    refuse::{Refuse, insufficient_scope},
    who::who,
};

/// Checks the matched [`Method`]'s scope against the request's [`Principal`].
#[derive(Clone)]
pub struct ScopeLayer {
    events: Events,
}

impl ScopeLayer {
    /// A layer that reports refusals to `events`.
    #[must_use]
    pub const fn new(events: Events) -> Self {
        Self { events }
    }
}

impl<S> Layer<S> for ScopeLayer {
    type Service = RequireScope<S>;

    fn layer(&self, inner: S) -> Self::Service {
        RequireScope {
            events: self.events.clone(),
            inner,
        }
    }
}

/// See [`ScopeLayer`].
#[derive(Clone)]
pub struct RequireScope<S> {
    events: Events,
    inner: S,
}

impl<S, B> Service<Request<B>> for RequireScope<S>
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
        match self.refusal(request.extensions()) {
            None => Either::Left(self.inner.call(request)),
            Some(code) => {
                let response = S::Response::refuse(code, request.extensions().get());
                let method = request.extensions().get::<Method>();
                Either::Right(ready(Ok(match (code, method) {
                    (ErrorCode::PermissionDenied, Some(method)) => {
                        response.challenged(insufficient_scope(method.scope))
                    }
                    _ => response,
                })))
            }
        }
    }
}

impl<S> RequireScope<S> {
    fn refusal(&self, extensions: &http::Extensions) -> Option<ErrorCode> {
        let Some(method) = extensions.get::<Method>() else {
            return Some(ErrorCode::Internal);
        };
        if method.scope.is_empty() {
            return None;
        }
        let (code, reason) = match extensions.get::<Arc<Principal>>() {
            None => (ErrorCode::Unauthenticated, "no_user"),
            Some(principal) if !principal.has_scopes(method.scope) => {
                (ErrorCode::PermissionDenied, "missing_scope")
            }
            Some(_) => return None,
        };
        self.events.emit(&SecurityEvent::AccessRefused {
            who: who(extensions),
            method: method.path,
            reason,
        });
        Some(code)
    }
}
