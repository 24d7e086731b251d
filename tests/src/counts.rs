//! What a process counts of itself, as a scrape of its admin listener shows it.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use http::{Request, StatusCode};
use strata_audit::ocsf::Outcome;
use strata_estate::client;
use strata_telemetry::Kind;
use tokio::time::{Instant, sleep};

const REQUESTS: &str = "strata_request_duration_seconds_count";
const SHED: &str = "strata_requests_shed_total";
const EVENTS: &str = "strata_security_events_total";
const RELOADS: &str = "strata_material_reload_total";
const RETRIES: &str = "strata_upstream_retries_total";
const NOT_TRIED: &str = "strata_upstream_refused_total";
/// Between two looks at something that is about to happen.
const LOOK: Duration = Duration::from_millis(5);

/// The requests that reached a method, the security events, the looks at changed material, and what became
/// of calls to others, since the process started. By series, as Prometheus writes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counts {
    requests: BTreeMap<String, u64>,
    shed: BTreeMap<String, u64>,
    events: BTreeMap<String, u64>,
    reloads: BTreeMap<String, u64>,
    retries: BTreeMap<String, u64>,
    not_tried: BTreeMap<String, u64>,
}

impl Counts {
    /// Scrapes the admin listener of a process.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn of(admin: SocketAddr) -> Result<Self> {
        let request = Request::get(format!("http://{admin}/metrics")).body(Bytes::new())?;
        let answer = client::send(request, None).await?;
        ensure!(
            answer.status() == StatusCode::OK,
            "{admin} answered {}",
            answer.status()
        );
        let text = std::str::from_utf8(answer.body()).context("the metrics are no text")?;
        Ok(Self {
            requests: series(text, REQUESTS),
            shed: series(text, SHED),
            events: series(text, EVENTS),
            reloads: series(text, RELOADS),
            retries: series(text, RETRIES),
            not_tried: series(text, NOT_TRIED),
        })
    }

    /// Requests that reached the stack of a method, by its path.
    #[must_use]
    pub fn requests(&self, method: &str) -> u64 {
        sum(&self.requests, &[("method", method)])
    }

    /// Requests that reached the stack of any method.
    #[must_use]
    pub fn all_requests(&self) -> u64 {
        sum(&self.requests, &[])
    }

    /// Requests refused because too many were under way.
    #[must_use]
    pub fn shed(&self) -> u64 {
        sum(&self.shed, &[])
    }

    /// Security events of a kind, for a reason.
    #[must_use]
    pub fn events(&self, event: &str, reason: &str) -> u64 {
        sum(&self.events, &[("event", event), ("reason", reason)])
    }

    /// Looks at changed material: `replaced` or `refused`.
    #[must_use]
    pub fn reloads(&self, outcome: &str) -> u64 {
        sum(&self.reloads, &[("outcome", outcome)])
    }

    /// Calls to an upstream that were sent again.
    #[must_use]
    pub fn retries(&self, upstream: &str) -> u64 {
        sum(&self.retries, &[("upstream", upstream)])
    }

    /// Calls to an upstream that its breaker refused.
    #[must_use]
    pub fn refused_by_breaker(&self, upstream: &str) -> u64 {
        let labels = [("upstream", upstream), ("reason", "breaker")];
        sum(&self.not_tried, &labels)
    }

    /// Requests of an outcome.
    #[must_use]
    pub fn outcomes(&self, outcome: &str) -> u64 {
        sum(&self.requests, &[("outcome", outcome)])
    }

    /// Security events for a reason.
    #[must_use]
    pub fn reasons(&self, reason: &str) -> u64 {
        sum(&self.events, &[("reason", reason)])
    }

    /// Security events of all kinds, but for those that tell of what was let through.
    #[must_use]
    pub fn refusals(&self) -> u64 {
        let passed = |kind: &&Kind| {
            let outcome = kind.mapping().outcome;
            matches!(outcome, Outcome::Allowed | Outcome::Observed)
        };
        let passed = Kind::ALL.iter().filter(passed);
        let passed = passed.map(|kind| sum(&self.events, &[("event", kind.as_str())]));
        sum(&self.events, &[]) - passed.sum::<u64>()
    }
}

/// The lines of one metric: `name{labels} value`.
fn series(text: &str, metric: &str) -> BTreeMap<String, u64> {
    let of_metric = |line: &&str| {
        line.strip_prefix(metric)
            .is_some_and(|s| s.starts_with('{'))
    };
    text.lines()
        .filter(of_metric)
        .filter_map(|line| line.rsplit_once(' '))
        .filter_map(|(series, value)| Some((series.to_owned(), value.parse().ok()?)))
        .collect()
}

fn sum(series: &BTreeMap<String, u64>, labels: &[(&str, &str)]) -> u64 {
    let labels: Vec<_> = labels
        .iter()
        .map(|(name, value)| format!("{name}=\"{value}\""))
        .collect();
    series
        .iter()
        .filter(|(name, _)| labels.iter().all(|label| name.contains(label)))
        .map(|(_, count)| count)
        .sum()
}

/// Waits until something is so that is about to be: another process is doing it.
///
/// # Errors
/// When looking fails, or it is not so within `patience`.
pub async fn eventually(
    patience: Duration,
    mut look: impl AsyncFnMut() -> Result<bool>,
) -> Result<()> {
    let deadline = Instant::now() + patience;
    while !look().await? {
        ensure!(Instant::now() < deadline, "not so after {patience:?}");
        sleep(LOOK).await;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_series_asked_for_are_counted() {
        let text = "# TYPE strata_security_events_total counter\n\
            strata_security_events_total{event=\"a\",reason=\"b\",otel_scope_name=\"s\"} 2\n\
            strata_security_events_total{event=\"a\",reason=\"c\",otel_scope_name=\"s\"} 3\n\
            strata_security_events_total_else{event=\"a\",reason=\"b\"} 5\n";
        let counts = Counts {
            requests: series(text, REQUESTS),
            shed: series(text, SHED),
            events: series(text, EVENTS),
            reloads: series(text, RELOADS),
            retries: series(text, RETRIES),
            not_tried: series(text, NOT_TRIED),
        };
        assert_eq!(counts.events("a", "b"), 2);
        assert_eq!(counts.events("a", "d"), 0);
        assert_eq!((counts.refusals(), counts.all_requests()), (5, 0));
    }
}
