//! What is recorded of one request.

use std::sync::Arc;

use http::Extensions;
use strata_audit::{Decision, OnDisk, Place, Resource, Trail, Verdict, Via};
use strata_core::{Caller, ErrorCode, Label, Method, Principal, Sensitivity, TraceContext};
use strata_release::Release;
use strata_telemetry::{Events, SecurityEvent};

use super::AuditLayer;
use crate::metrics::ABANDONED;

/// A request that has a place in the trail. When nobody says what became of it, it was abandoned.
pub(super) struct Entry {
    place: Option<Place>,
    trail: Trail,
    events: Events,
    release: Arc<Release>,
    method: Method,
    trace: TraceContext,
    user: Option<Arc<Principal>>,
    via: Via,
    /// What is recorded when it goes no further.
    otherwise: &'static str,
    /// What the record says that the answer holds.
    held: Label,
}

impl Entry {
    pub(super) fn of(extensions: &Extensions, place: Place, layer: &AuditLayer) -> Option<Self> {
        Some(Self {
            release: strata_release::current()?,
            method: *extensions.get()?,
            trace: *extensions.get()?,
            user: extensions.get().cloned(),
            via: match extensions.get::<Caller>()? {
                Caller::Workload(id) => Via::Workload(id.clone()),
                Caller::Edge => Via::Edge,
            },
            place: Some(place),
            trail: layer.trail.clone(),
            events: layer.events.clone(),
            otherwise: ABANDONED,
            held: Label::default(),
        })
    }

    /// Says what is recorded if it is dropped from now on.
    pub(super) const fn otherwise(&mut self, code: &'static str) {
        self.otherwise = code;
    }

    /// Records what it came to. Gives what its answer has to wait for.
    pub(super) fn record(&mut self, code: &'static str) -> Option<OnDisk> {
        let place = self.place.take()?;
        self.held = self.release.held();
        let waits = self.method.durable || self.held.sensitivity == Sensitivity::Restricted;
        let decision = self.decision(code);
        if waits {
            return Some(place.durable(decision));
        }
        place.buffered(decision);
        None
    }

    /// Records once more, where the answer has come to hold more than the record says.
    ///
    /// # Errors
    /// `Unavailable` when the trail does not take it: then it must not go out.
    pub(super) fn record_more(&mut self) -> Result<Option<OnDisk>, ErrorCode> {
        if self.held.covers(self.release.held()) {
            return Ok(None);
        }
        self.place = Some(self.trail.reserve().map_err(|failed| {
            self.failed(failed.reason());
            ErrorCode::Unavailable
        })?);
        Ok(self.record("OK"))
    }

    /// The trace it belongs to.
    pub(super) const fn trace(&self) -> &TraceContext {
        &self.trace
    }

    pub(super) fn failed(&self, reason: &'static str) {
        self.events.emit(&SecurityEvent::AuditFailed { reason });
    }

    fn decision(&mut self, code: &'static str) -> Decision {
        let named = self.release.named();
        Decision {
            trace: Some(self.trace.trace_id),
            user: self.user.clone(),
            via: self.via.clone(),
            action: self.method.path.into(),
            resource: named.map(|(kind, id)| Resource { kind, id }),
            released: self.held,
            verdict: verdict(code),
            code,
            rule: "".into(),
        }
    }
}

/// What a handler says of whom it does not serve counts as a refusal.
fn verdict(code: &str) -> Verdict {
    let refusals = [
        ErrorCode::PermissionDenied,
        ErrorCode::Unauthenticated,
        ErrorCode::ResourceExhausted,
    ];
    if code == "OK" {
        Verdict::Allowed
    } else if refusals.iter().any(|refusal| refusal.as_str() == code) {
        Verdict::Refused
    } else {
        Verdict::Failed
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if let Some(place) = self.place.take() {
            let decision = self.decision(self.otherwise);
            place.buffered(decision);
        }
    }
}
