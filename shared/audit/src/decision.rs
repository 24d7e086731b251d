//! What the stacks say of a request. It is made where requests are served, so it copies as little as it
//! can: the writer makes the record of it.

use std::{borrow::Cow, sync::Arc};

use strata_core::{Label, Principal, SpiffeId};

use crate::format::Verdict;

/// What was decided about one request, or at one point of it.
#[derive(Clone, Debug)]
pub struct Decision {
    /// The trace-id of the request; none where there is no trace yet.
    pub trace: Option<u128>,
    /// The user it acts for.
    pub user: Option<Arc<Principal>>,
    /// Who sent it.
    pub via: Via,
    /// The path of the method, or what else was done.
    pub action: Cow<'static, str>,
    /// The object it names.
    pub resource: Option<Resource>,
    /// The most that the answer may hold.
    pub released: Label,
    /// What came of it.
    pub verdict: Verdict,
    /// The outcome, as metrics name it: `OK`, or the code of the error.
    pub code: &'static str,
    /// What decided: the `@id` of a policy, or the reason of a refusal. Empty where nothing but the
    /// rules as a whole.
    pub rule: Cow<'static, str>,
}

/// Who sent a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Via {
    /// A client at the edge.
    Edge,
    /// A workload, by its verified SPIFFE ID.
    Workload(SpiffeId),
    /// The same, where only the text is at hand.
    Named(String),
    /// Nobody known.
    Nobody,
}

impl Via {
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Edge => "edge",
            Self::Workload(id) => id.as_str(),
            Self::Named(name) => name,
            Self::Nobody => "",
        }
    }
}

/// An object that a request names.
#[derive(Clone, PartialEq, Eq)]
pub struct Resource {
    /// The field of the request that names it, `customer_id`.
    pub kind: &'static str,
    /// Its id. On disk there is only what [`crate::ResourceKey`] makes of it.
    pub id: String,
}

/// The id may be a person's, so it is not shown.
impl std::fmt::Debug for Resource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Resource")
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}
