//! The catalogue, and nothing about how it is shown. Its JSON is `--format json`: a member is added, never
//! renamed. It tells dates and never what day it is: it changes only when what it is made from does.

use serde::Serialize;
use strata_config::Rate;
use strata_core::Label;

/// The whole catalogue.
#[derive(Debug, Serialize)]
pub(crate) struct Catalogue {
    /// Every Experience API, by name.
    pub(crate) apis: Vec<Api>,
}

/// An Experience API.
#[derive(Debug, Serialize)]
pub(crate) struct Api {
    pub(crate) name: String,
    /// The team that answers for it.
    pub(crate) owner: String,
    pub(crate) description: String,
    /// The newest first.
    pub(crate) versions: Vec<Version>,
    pub(crate) plans: Vec<Plan>,
}

/// A version.
#[derive(Debug, Serialize)]
pub(crate) struct Version {
    /// `v1`.
    pub(crate) name: String,
    pub(crate) about: String,
    pub(crate) status: Status,
    /// The last date of its methods, when all are deprecated; empty when not.
    pub(crate) deprecated_after: String,
    /// The last date of its methods, when all are to be gone; empty when not.
    pub(crate) sunset: String,
    /// Its OpenAPI document, from the root of the repository.
    pub(crate) document: String,
    pub(crate) methods: Vec<Method>,
    /// What it has changed, the newest first.
    pub(crate) changes: Vec<Change>,
}

/// Whether to build on a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    /// It has methods that nothing replaces.
    Current,
    /// All its methods are deprecated.
    Deprecated,
}

/// A method.
#[derive(Debug, Serialize)]
pub(crate) struct Method {
    pub(crate) name: String,
    /// `GET /v1/me/orders`.
    pub(crate) route: String,
    pub(crate) about: String,
    /// The OAuth scopes a user's token needs, all of them.
    pub(crate) scopes: Vec<String>,
    /// Why it processes data (GDPR Art. 5(1)(b)).
    pub(crate) purpose: String,
    /// From when on to use something else; empty while nothing replaces it.
    pub(crate) deprecated_after: String,
    /// From when on it is gone; empty while no date is set.
    pub(crate) sunset: String,
}

/// What has changed.
#[derive(Debug, Serialize)]
pub(crate) struct Change {
    pub(crate) date: String,
    pub(crate) text: String,
}

/// A plan.
#[derive(Debug, Serialize)]
pub(crate) struct Plan {
    pub(crate) name: String,
    /// Requests in a window, of all replicas together where they share.
    pub(crate) quota: Rate,
    /// Requests in a short time, of each replica.
    pub(crate) spike: Rate,
    /// The most a user may be shown through it.
    pub(crate) ceiling: Label,
    pub(crate) methods: Vec<String>,
    pub(crate) consumers: Vec<Consumer>,
}

/// Who is on a plan: whose software, and what for. Not by which client id or with which scopes.
#[derive(Debug, Serialize)]
pub(crate) struct Consumer {
    pub(crate) owner: String,
    pub(crate) purpose: String,
}
