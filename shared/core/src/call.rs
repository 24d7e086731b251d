//! The context of one request: who calls, for whom, until when, in which trace.

use std::{sync::Arc, time::Instant};

use http::HeaderValue;

use crate::{
    error::ErrorCode, label::Clearance, object::Objects, principal::Principal, spiffe::SpiffeId,
};

/// Who sent the request to this process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    /// Another workload, by its verified SPIFFE ID.
    Workload(SpiffeId),
    /// A client at the edge of the estate.
    Edge,
}

/// W3C Trace Context identifiers (<https://www.w3.org/TR/trace-context/>, section 3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceContext {
    /// trace-id.
    pub trace_id: u128,
    /// parent-id: the span of the hop that holds this context.
    pub span_id: u64,
    /// The sampled flag.
    pub sampled: bool,
}

/// A transaction token as this hop got or made it, and whether the principal is less than what it says.
#[derive(Clone, Debug)]
pub struct Credential {
    /// The token. It goes on unchanged.
    pub token: HeaderValue,
    /// The leaf certificate of the key that signed it: DER in base64. It goes on unchanged too.
    pub leaf: HeaderValue,
    /// The next hop must be told what the principal was narrowed to.
    pub narrowed: bool,
}

/// One request's context. The stacks make it; a handler gets it from the request and hands it to
/// every upstream call, which is how identity, deadline and trace go on.
#[derive(Clone, Debug)]
pub struct Call {
    /// Who sent the request.
    pub caller: Caller,
    /// The user it is for, if any.
    pub principal: Option<Arc<Principal>>,
    /// What tells the next hop of the principal. Opaque to handlers.
    pub credential: Option<Credential>,
    /// What decides which objects it reaches; none where the contract names no objects.
    pub objects: Option<Arc<dyn Objects>>,
    /// When the caller stops waiting.
    pub deadline: Instant,
    /// The trace it belongs to.
    pub trace: TraceContext,
}

impl Call {
    /// The user this request acts for.
    ///
    /// # Errors
    /// `Unauthenticated` when the request acts for no user.
    pub fn principal(&self) -> Result<&Principal, ErrorCode> {
        self.principal.as_deref().ok_or(ErrorCode::Unauthenticated)
    }

    /// The same call for less: its user has at most these scopes, separated by a space, and at most this
    /// clearance, here and in everything that is called on behalf of it. Nothing widens it again. It opens
    /// no objects: policies were asked about the call as it came.
    #[must_use]
    pub fn narrowed_to(&self, scopes: &str, clearance: Clearance) -> Self {
        let narrowed = |user: &Arc<Principal>| Arc::new(user.narrowed_to(scopes, clearance));
        Self {
            principal: self.principal.as_ref().map(narrowed),
            credential: self.credential.as_ref().map(|credential| Credential {
                narrowed: true,
                ..credential.clone()
            }),
            objects: None,
            ..self.clone()
        }
    }
}
