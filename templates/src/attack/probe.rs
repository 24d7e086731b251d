//! What a probe is, and what comes of one.

use std::fmt::{self, Display, Formatter};

use anyhow::Result;
use clap::ValueEnum;
use futures_util::future::LocalBoxFuture;
use serde::{Deserialize, Serialize};

use super::scene::Scene;

/// How bad it is when the control is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Severity {
    Low,
    Medium,
    High,
    Critical,
}

impl Display for Severity {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        })
    }
}

/// What came of a probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The honest form works and the hostile one was refused as it must be.
    Passed,
    /// The hostile form got through: what was seen.
    Found(String),
    /// It cannot be told: why, and what would help.
    Inconclusive(String),
    /// There is nothing here to try it on.
    NotApplicable(&'static str),
}

impl Verdict {
    /// Passed, unless something was seen.
    pub(crate) fn unless(found: Option<String>) -> Self {
        found.map_or(Self::Passed, Self::Found)
    }
}

/// One thing that is tried.
pub(crate) struct Probe {
    /// `<family>.<word>`, stable for programs.
    pub(crate) id: &'static str,
    /// What is tried.
    pub(crate) name: &'static str,
    pub(crate) severity: Severity,
    /// What it is tried by, as in docs/controls.md: a row of the catalogue of attacks where there is one, and
    /// one of the OWASP API Security Top 10 2023.
    pub(crate) rows: &'static [&'static str],
    /// What a finding shows.
    pub(crate) shows: &'static str,
    /// What to do then.
    pub(crate) remedy: &'static str,
    pub(crate) run: for<'a> fn(&'a Scene) -> LocalBoxFuture<'a, Result<Verdict>>,
}

/// Probes that need the same honest form first.
pub(crate) struct Family {
    /// What its ids begin with.
    pub(crate) name: &'static str,
    pub(crate) probes: &'static [Probe],
    /// Whether they wait for the server, and so may wait at once.
    pub(crate) at_once: bool,
}
