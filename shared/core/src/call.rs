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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        label::{Label, Sensitivity},
        object::Object,
        principal::Authentication,
    };

    struct Everything;

    impl Objects for Everything {
        fn may_reach(&self, _: &Object<'_>) -> bool {
            true
        }

        fn miss(&self, _: &'static str) {}
    }

    fn call(user: bool) -> Call {
        let principal = Principal {
            subject: "cus_1".to_owned(),
            roles: Vec::new(),
            scopes: vec!["a:read".to_owned(), "b:read".to_owned()],
            region: None,
            tenant: None,
            clearance: Clearance(Label::new(Sensitivity::Restricted, &[])),
            authentication: Authentication::default(),
        };
        let credential = Credential {
            token: HeaderValue::from_static("token"),
            leaf: HeaderValue::from_static("leaf"),
            narrowed: false,
        };
        Call {
            caller: Caller::Edge,
            principal: user.then(|| Arc::new(principal)),
            credential: user.then_some(credential),
            objects: Some(Arc::new(Everything)),
            deadline: Instant::now(),
            trace: TraceContext {
                trace_id: 7,
                span_id: 1,
                sampled: true,
            },
        }
    }

    #[test]
    fn without_a_user_nobody_is_acted_for() {
        assert_eq!(call(true).principal().unwrap().subject, "cus_1");
        assert_eq!(call(false).principal(), Err(ErrorCode::Unauthenticated));
    }

    #[test]
    fn a_narrowed_call_is_for_less_says_so_and_opens_nothing() {
        let whole = call(true);
        let internal = Clearance(Label::new(Sensitivity::Internal, &[]));
        let narrowed = whole.narrowed_to("b:read", internal);
        let user = narrowed.principal().unwrap();
        assert_eq!(
            (&user.scopes[..], user.clearance),
            (&["b:read".to_owned()][..], internal)
        );
        let credential = narrowed.credential.unwrap();
        assert!(credential.narrowed && credential.token == "token" && credential.leaf == "leaf");
        assert!(narrowed.objects.is_none() && whole.objects.is_some());
        assert_eq!(
            (narrowed.deadline, narrowed.trace),
            (whole.deadline, whole.trace)
        );
        assert!(call(false).narrowed_to("", internal).credential.is_none());
    }
}
