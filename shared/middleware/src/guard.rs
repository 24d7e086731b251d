//! The service's policies at the door: what none of them permits does not reach the handler.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use futures_util::future::{Either, Ready, ready};
use http::{Extensions, Request};
use strata_config::PolicyMode;
use strata_core::{Caller, ErrorCode, Method, Object, Objects, Principal, SpiffeId};
use strata_guard::{Denied, Facts, Guard};
use strata_net::Peer;
use strata_policy::Consumer;
use strata_telemetry::{Events, SecurityEvent, Who};
use tower::{Layer, Service};

use crate::refuse::Refuse;

/// Asks the policies about the matched [`Method`], for caller and user of the request. Which policy
/// decided is told in the security event and nowhere else. Where the method is about an object, what
/// decides about objects goes along with the request.
#[derive(Clone)]
pub struct GuardLayer {
    guard: Arc<Guard>,
    mode: PolicyMode,
    events: Events,
}

impl GuardLayer {
    /// A layer over loaded policies. In audit mode it tells what it would refuse, and lets it pass.
    /// An object that is refused stays closed in either mode.
    #[must_use]
    pub const fn new(guard: Arc<Guard>, mode: PolicyMode, events: Events) -> Self {
        Self {
            guard,
            mode,
            events,
        }
    }

    /// Lets the request pass, with what decides about its objects.
    ///
    /// # Errors
    /// What it is refused with.
    fn pass(&self, extensions: &mut Extensions) -> Result<(), ErrorCode> {
        let asked = Asked::by(extensions).ok_or(ErrorCode::Internal)?;
        if let Err(denied) = self.guard.decide(asked.method.name, &asked.facts()) {
            let enforced = self.mode == PolicyMode::Enforce;
            self.tell(&asked, &denied, enforced);
            if enforced {
                return Err(ErrorCode::PermissionDenied);
            }
        }
        if self.guard.decides_objects(asked.method.name) {
            let objects: Arc<dyn Objects> = Arc::new(OfRequest {
                layer: self.clone(),
                asked,
                last: Mutex::new(None),
            });
            extensions.insert(objects);
        }
        Ok(())
    }

    fn tell(&self, asked: &Asked, denied: &Denied, enforced: bool) {
        // At the door nothing of the request is read yet.
        let named = strata_release::current().and_then(|release| release.named());
        self.events.emit(&SecurityEvent::PolicyDenied {
            who: asked.who(),
            method: asked.method.path,
            resource: named.as_ref().map(|(field, id)| (*field, &**id)),
            policy: denied.policy.as_deref(),
            enforced,
            reason: denied.reason,
        });
    }
}

/// Who asks for what.
struct Asked {
    method: Method,
    caller: Option<SpiffeId>,
    consumer: Option<Arc<Consumer>>,
    user: Option<Arc<Principal>>,
    address: Option<SocketAddr>,
}

impl Asked {
    /// None when a layer above is missing: a defect, and never an open door.
    fn by(extensions: &Extensions) -> Option<Self> {
        Some(Self {
            method: *extensions.get()?,
            caller: match extensions.get()? {
                Caller::Workload(id) => Some(id.clone()),
                Caller::Edge => None,
            },
            consumer: extensions.get().cloned(),
            user: extensions.get().cloned(),
            address: extensions.get::<Peer>().map(|peer| peer.address),
        })
    }

    fn facts(&self) -> Facts<'_> {
        Facts {
            caller: self.caller.as_ref(),
            user: self.user.as_ref(),
            network: self.address.map(|address| address.ip()),
        }
    }

    fn who(&self) -> Who<'_> {
        let workload = self.caller.as_ref().map(SpiffeId::as_str);
        let consumer = self.consumer.as_ref().map(|it| &*it.client_id);
        Who {
            user: self.user.as_ref(),
            caller: workload.or(consumer),
            address: self.address,
        }
    }
}

/// Decides about the objects of one request.
struct OfRequest {
    layer: GuardLayer,
    asked: Asked,
    /// A list is mostly of one owner: what was decided last is not asked again.
    last: Mutex<Option<Last>>,
}

struct Last {
    kind: &'static str,
    owner: String,
    region: String,
    tenant: String,
    reached: bool,
}

impl Objects for OfRequest {
    fn may_reach(&self, object: &Object<'_>) -> bool {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = last.as_ref()
            && (last.kind, &*last.owner, &*last.region, &*last.tenant)
                == (object.kind, object.owner, object.region, object.tenant)
        {
            return last.reached;
        }
        let method = self.asked.method.name;
        let decided = self
            .layer
            .guard
            .decide_object(method, &self.asked.facts(), object);
        if let Err(denied) = &decided {
            self.layer.tell(&self.asked, denied, true);
        }
        let reached = decided.is_ok();
        *last = Some(Last {
            kind: object.kind,
            owner: object.owner.to_owned(),
            region: object.region.to_owned(),
            tenant: object.tenant.to_owned(),
            reached,
        });
        reached
    }

    fn miss(&self, kind: &'static str) {
        let nobodys = Object {
            kind,
            owner: "",
            region: "",
            tenant: "",
        };
        // Whatever is decided opens nothing.
        let method = self.asked.method.name;
        let facts = self.asked.facts();
        let _ = self.layer.guard.decide_object(method, &facts, &nobodys);
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

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        match self.layer.pass(request.extensions_mut()) {
            Ok(()) => Either::Left(self.inner.call(request)),
            Err(code) => {
                let trace = request.extensions().get();
                Either::Right(ready(Ok(S::Response::refuse(code, trace))))
            }
        }
    }
}
