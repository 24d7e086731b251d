//! For whom an answer is: every message of it is masked to what the calling workload and the user may
//! both hold. What masks them (the codec of a generated server, the JSON of generated routes) asks
//! what this layer says; without it, it lets out what is public and nothing else.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use http::{Extensions, Request, Response};
use strata_core::{Caller, Clearance, Method, Principal, masking::Tokens};
use strata_policy::Consumer;
use strata_release::{Note, Release};
use strata_telemetry::{Events, SecurityEvent, Who};
use tower::{Layer, Service};

use crate::kept::{Keep, Keeping, Kept};

/// Answers within the clearance of the request: the one callers.toml grants the [`Caller`], narrowed to
/// the [`Principal`]'s; at the edge the principal's. What goes out of high sensitivity, and what a
/// workload sends on that it may not hold, is an event.
#[derive(Clone)]
pub struct ReleaseLayer {
    tokens: Arc<dyn Tokens>,
    events: Events,
}

impl ReleaseLayer {
    /// A layer that masks with these tokens and reports to `events`.
    #[must_use]
    pub const fn new(tokens: Arc<dyn Tokens>, events: Events) -> Self {
        Self { tokens, events }
    }

    fn scope(&self, extensions: &Extensions) -> Scope {
        let caller = extensions.get::<Caller>().cloned();
        let user = extensions.get::<Arc<Principal>>();
        let user = user.map(|principal| principal.clearance);
        let (answers, requests) = match caller {
            Some(Caller::Workload(_)) => {
                let granted = extensions.get::<Clearance>().copied().unwrap_or_default();
                let narrowed = user.map_or(granted, |user| granted.narrowed_to(user));
                (narrowed, granted)
            }
            Some(Caller::Edge) => (user.unwrap_or_default(), Clearance::default()),
            None => (Clearance::default(), Clearance::default()),
        };
        let method = extensions.get::<Method>();
        Scope {
            release: Arc::new(Release::new(answers, requests, Arc::clone(&self.tokens))),
            events: self.events.clone(),
            caller,
            consumer: extensions.get().cloned(),
            user: extensions.get().cloned(),
            method: method.map_or("unmatched", |method| method.path),
        }
    }
}

impl<S> Layer<S> for ReleaseLayer {
    type Service = MaskAnswers<S>;

    fn layer(&self, inner: S) -> Self::Service {
        MaskAnswers {
            layer: self.clone(),
            inner,
        }
    }
}

/// See [`ReleaseLayer`].
#[derive(Clone)]
pub struct MaskAnswers<S> {
    layer: ReleaseLayer,
    inner: S,
}

impl<S, B, R> Service<Request<B>> for MaskAnswers<S>
where
    S: Service<Request<B>, Response = Response<R>>,
{
    type Response = Response<Kept<R, Scope>>;
    type Error = S::Error;
    type Future = Keeping<S::Future, Scope>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let scope = self.layer.scope(request.extensions());
        Keeping::new(scope.around(|| self.inner.call(request)), scope)
    }
}

/// What one request is answered within: a message is encoded, and masked, while its body is sent.
pub struct Scope {
    release: Arc<Release>,
    events: Events,
    caller: Option<Caller>,
    consumer: Option<Arc<Consumer>>,
    user: Option<Arc<Principal>>,
    method: &'static str,
}

impl Keep for Scope {
    /// For whom the answer is; what it let out is told.
    fn around<R>(&self, step: impl FnOnce() -> R) -> R {
        let done = self.release.enter(step);
        for note in self.release.untold() {
            self.tell(note);
        }
        done
    }
}

impl Scope {
    fn tell(&self, note: Note) {
        // Where an honest user is, is nobody's business.
        let who = Who {
            user: self.user.as_ref(),
            caller: match &self.caller {
                Some(Caller::Workload(id)) => Some(id.as_str()),
                Some(Caller::Edge) | None => self.consumer.as_ref().map(|it| &*it.client_id),
            },
            address: None,
        };
        let named = self.release.named();
        let resource = named.as_ref().map(|(field, id)| (*field, &**id));
        let method = self.method;
        let released = |reason| SecurityEvent::LabelReleased {
            who,
            method,
            resource,
            label: self.release.held(),
            reason,
        };
        self.events.emit(&match note {
            Note::Restricted => released("restricted"),
            Note::SpecialCategory => released("special_category"),
            Note::Refused => SecurityEvent::CallRefused {
                who,
                method,
                resource,
                reason: "beyond_clearance",
            },
        });
    }
}
