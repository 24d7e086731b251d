//! What is said of an attack.

use anyhow::{Result, bail, ensure};
use serde::Serialize;

use super::probe::{Probe, Severity, Verdict};
use crate::output;

/// What came of all probes of one target.
#[derive(Serialize)]
pub(crate) struct Report {
    pub(super) target: String,
    /// Connections that were made.
    pub(super) connections: u32,
    #[serde(rename = "probes")]
    pub(super) outcomes: Vec<Outcome>,
}

/// What came of one.
#[derive(Serialize)]
pub(super) struct Outcome {
    id: &'static str,
    name: &'static str,
    result: &'static str,
    severity: Severity,
    rows: &'static [&'static str],
    /// What was seen, or why it cannot be told; empty where it passed.
    seen: String,
    shows: &'static str,
    remedy: &'static str,
}

const FOUND: &str = "found";
const INCONCLUSIVE: &str = "inconclusive";

impl Outcome {
    pub(super) fn of(probe: &Probe, verdict: Verdict) -> Self {
        let (result, seen) = match verdict {
            Verdict::Passed => ("passed", String::new()),
            Verdict::Found(seen) => (FOUND, seen),
            Verdict::Inconclusive(why) => (INCONCLUSIVE, why),
            Verdict::NotApplicable(why) => ("not_applicable", why.to_owned()),
        };
        Self {
            id: probe.id,
            name: probe.name,
            result,
            severity: probe.severity,
            rows: probe.rows,
            seen,
            shows: probe.shows,
            remedy: probe.remedy,
        }
    }
}

impl Report {
    /// The table, and a paragraph for whatever did not pass.
    pub(crate) fn tell(&self) -> Result<()> {
        output::heading(&self.target)?;
        let rows = self.outcomes.iter().map(|outcome| {
            let (severity, remedy) = match outcome.result {
                FOUND => (outcome.severity.to_string(), outcome.remedy.to_owned()),
                _ => (String::new(), String::new()),
            };
            let result = outcome.result.replace('_', " ");
            [
                outcome.id.to_owned(),
                outcome.name.to_owned(),
                result,
                severity,
                remedy,
            ]
        });
        output::table(["id", "probe", "result", "severity", "remedy"], rows)?;
        for outcome in self.of(FOUND) {
            output::alarm(&format!("{}: {}", outcome.id, outcome.seen))?;
            output::line(&format!(
                "  {} ({}, {})",
                outcome.shows,
                outcome.severity,
                outcome.rows.join(", ")
            ))?;
        }
        for outcome in self.of(INCONCLUSIVE) {
            output::heading(&format!("{}: cannot be told", outcome.id))?;
            output::line(&format!("  {}", outcome.seen))?;
        }
        let passed = self.of("passed").count();
        let (found, open) = (self.of(FOUND).count(), self.of(INCONCLUSIVE).count());
        output::line(&format!(
            "{passed} passed, {found} found, {open} inconclusive, of {} probes over {} connections",
            self.outcomes.len(),
            self.connections
        ))
    }

    fn of(&self, result: &'static str) -> impl Iterator<Item = &Outcome> {
        let outcomes = self.outcomes.iter();
        outcomes.filter(move |outcome| outcome.result == result)
    }

    /// Whether anything could be told at all.
    ///
    /// # Errors
    /// With the reason when every probe is inconclusive.
    pub(crate) fn tells_anything(&self) -> Result<()> {
        let open = self.of(INCONCLUSIVE).count();
        let reason = self
            .outcomes
            .first()
            .map_or("", |first| first.seen.as_str());
        ensure!(
            self.outcomes.is_empty() || open < self.outcomes.len(),
            "nothing can be told of {}: {reason}",
            self.target
        );
        Ok(())
    }

    /// Fails when anything was found that is at least as bad as `least`.
    pub(crate) fn judged(reports: &[Self], least: Severity) -> Result<()> {
        let found = reports.iter().flat_map(|report| report.of(FOUND));
        match found.filter(|outcome| outcome.severity >= least).count() {
            0 => Ok(()),
            1 => bail!("one finding of severity {least} or above"),
            count => bail!("{count} findings of severity {least} or above"),
        }
    }
}
