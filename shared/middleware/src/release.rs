//! For whom an answer is: every message of it is masked to what the calling workload and the user may
//! both hold. What masks them (the codec of a generated server, the JSON of generated routes) asks
//! what this layer says; without it, it lets out what is public and nothing else.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use http::{Extensions, HeaderMap, HeaderValue, Request, Response};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use strata_core::{Caller, Clearance, ErrorCode, Method, Principal, TraceContext, masking::Tokens};
use strata_limits::Refused;
use strata_release::{Note, Release};
use strata_telemetry::{Events, SecurityEvent};
use tower::{Layer, Service};

use crate::refuse::RefusalBody;

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
    type Response = Response<Masked<R>>;
    type Error = S::Error;
    type Future = Answering<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let scope = self.layer.scope(request.extensions());
        Answering {
            response: scope.run(|| self.inner.call(request)),
            scope: Some(scope),
        }
    }
}

/// What one request is answered within.
struct Scope {
    release: Arc<Release>,
    events: Events,
    caller: Option<Caller>,
    method: &'static str,
}

impl Scope {
    /// Runs `work` for whom the answer is, and tells of what it let out.
    fn run<R>(&self, work: impl FnOnce() -> R) -> R {
        let done = self.release.enter(work);
        for note in self.release.untold() {
            self.tell(note);
        }
        done
    }

    fn tell(&self, note: Note) {
        let caller = match &self.caller {
            Some(Caller::Workload(id)) => Some(id.as_str()),
            Some(Caller::Edge) | None => None,
        };
        let method = self.method;
        let released = |reason| SecurityEvent::LabelReleased {
            caller,
            method,
            reason,
        };
        self.events.emit(&match note {
            Note::Restricted => released("restricted"),
            Note::SpecialCategory => released("special_category"),
            Note::Refused => SecurityEvent::CallRefused {
                caller: caller.unwrap_or_default(),
                method,
                reason: "beyond_clearance",
            },
        });
    }
}

pin_project! {
    /// An answer that is being made.
    pub struct Answering<F> {
        #[pin]
        response: F,
        // None once the body has it.
        scope: Option<Scope>,
    }
}

impl<F, B, E> Future for Answering<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<Masked<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = this.response;
        let response = match &*this.scope {
            Some(scope) => ready!(scope.run(|| response.poll(cx))),
            None => ready!(response.poll(cx)),
        };
        let scope = this.scope.take();
        Poll::Ready(response.map(|response| response.map(|body| Masked { body, scope })))
    }
}

pin_project! {
    /// A body whose messages are encoded while it is sent: each is masked then.
    pub struct Masked<B> {
        #[pin]
        body: B,
        // None of a refusal, which holds no message.
        scope: Option<Scope>,
    }
}

impl<B: Body> Body for Masked<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let this = self.project();
        let body = this.body;
        match &*this.scope {
            Some(scope) => scope.run(|| body.poll_frame(cx)),
            None => body.poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<B: RefusalBody> RefusalBody for Masked<B> {
    fn refusal(code: ErrorCode, trace: Option<&TraceContext>) -> Response<Self> {
        B::refusal(code, trace).map(|body| Self { body, scope: None })
    }

    fn challenged(refusal: Response<Self>, challenge: HeaderValue) -> Response<Self> {
        let (parts, Self { body, scope }) = refusal.into_parts();
        let challenged = B::challenged(Response::from_parts(parts, body), challenge);
        challenged.map(|body| Self { body, scope })
    }

    fn retry_after(headers: &mut HeaderMap, refused: Refused) {
        B::retry_after(headers, refused);
    }

    fn trailers(code: ErrorCode) -> Option<HeaderMap> {
        B::trailers(code)
    }
}
