//! The metrics every service has, and the Prometheus text of all of them.

use std::{collections::HashMap, fmt, sync::Arc};

use arc_swap::ArcSwap;
use opentelemetry::{
    KeyValue,
    metrics::{BoundHistogram, Counter, Histogram, Meter, MeterProvider},
};
use opentelemetry_sdk::{Resource, error::OTelSdkError, metrics::SdkMeterProvider};
use prometheus::{Registry, TextEncoder};

/// From a fast store to a request that meets its deadline, in seconds.
const BOUNDARIES: [f64; 13] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0,
];

/// The meters of a process and what a scrape of them reads.
pub(crate) struct Metrics {
    provider: SdkMeterProvider,
    registry: Registry,
}

impl Metrics {
    /// Metrics for scraping and, with an exporter, for pushing too.
    pub(crate) fn new(
        resource: Resource,
        exporter: Option<opentelemetry_otlp::MetricExporter>,
    ) -> Result<Self, OTelSdkError> {
        let registry = Registry::new();
        let scraped = opentelemetry_prometheus::exporter()
            .with_registry(registry.clone())
            .build()?;
        let builder = SdkMeterProvider::builder()
            .with_resource(resource)
            .with_reader(scraped);
        let provider = match exporter {
            Some(exporter) => builder.with_periodic_exporter(exporter),
            None => builder,
        };
        Ok(Self {
            provider: provider.build(),
            registry,
        })
    }

    pub(crate) fn meter(&self) -> Meter {
        self.provider.meter("strata")
    }

    /// Prometheus text format 0.0.4.
    pub(crate) fn render(&self) -> String {
        TextEncoder::new()
            .encode_to_string(&self.registry.gather())
            .unwrap_or_else(|error| {
                tracing::error!(%error, "metrics are not printable");
                String::new()
            })
    }

    pub(crate) fn shutdown(&self) -> Result<(), OTelSdkError> {
        self.provider.shutdown()
    }
}

/// Counts and times requests. Cheap to clone, which each layer of a stack is for each request.
#[derive(Clone)]
pub struct RequestMetrics(Arc<Instruments>);

struct Instruments {
    duration: Histogram<f64>,
    /// By method and outcome, each once it was first seen.
    bound: ArcSwap<HashMap<(&'static str, &'static str), BoundHistogram<f64>>>,
    shed: Counter<u64>,
}

impl fmt::Debug for RequestMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RequestMetrics")
    }
}

impl RequestMetrics {
    /// Records on the given meter, as `strata_request_duration_seconds{method,outcome}` and
    /// `strata_requests_shed_total`.
    #[must_use]
    pub fn new(meter: &Meter) -> Self {
        let duration = meter
            .f64_histogram("strata_request_duration")
            .with_description("Time from the request's head to the response's head.")
            .with_unit("s")
            .with_boundaries(BOUNDARIES.to_vec())
            .build();
        let shed = meter
            .u64_counter("strata_requests_shed")
            .with_description("Requests refused because too many were under way.")
            .build();
        Self(Arc::new(Instruments {
            duration,
            bound: ArcSwap::default(),
            shed,
        }))
    }

    /// Counts one request that was refused because too many were under way. Under a flood a line for
    /// each would be a second flood, so it is counted alone.
    pub fn shed(&self) {
        self.0.shed.add(1, &[]);
    }

    /// Records one request. Both names stand in the code: a path from the wire would let a client
    /// make as many time series as it likes.
    pub fn record(&self, method: &'static str, outcome: &'static str, seconds: f64) {
        let Instruments {
            duration, bound, ..
        } = &*self.0;
        if let Some(bound) = bound.load().get(&(method, outcome)) {
            return bound.record(seconds);
        }
        let first = duration.bind(&[
            KeyValue::new("method", method),
            KeyValue::new("outcome", outcome),
        ]);
        first.record(seconds);
        bound.rcu(|bound| {
            let mut bound = HashMap::clone(bound);
            bound.insert((method, outcome), first.clone());
            bound
        });
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;
    use crate::{Events, MaterialMetrics, SecurityEvent, Who};

    fn metrics() -> Metrics {
        Metrics::new(
            Resource::builder_empty()
                .with_service_name("orders")
                .build(),
            None,
        )
        .unwrap()
    }

    #[test]
    fn requests_are_counted_and_timed() {
        let metrics = metrics();
        let requests = RequestMetrics::new(&metrics.meter());
        requests.record("/a.A/Get", "OK", 0.002);
        requests.record("/a.A/Get", "OK", 0.2);
        requests.record("/a.A/Get", "NOT_FOUND", 0.2);
        let text = metrics.render();
        assert!(
            text.contains("# TYPE strata_request_duration_seconds histogram"),
            "{text}"
        );
        let line = |name: &str, labels: &[&str]| {
            text.lines()
                .find(|line| line.starts_with(name) && labels.iter().all(|l| line.contains(l)))
                .and_then(|line| line.rsplit(' ').next())
                .unwrap_or_else(|| panic!("{name} {labels:?} in {text}"))
                .to_owned()
        };
        let ok = ["method=\"/a.A/Get\"", "outcome=\"OK\""];
        assert_eq!(line("strata_request_duration_seconds_count{", &ok), "2");
        let fast = ["outcome=\"OK\"", "le=\"0.0025\""];
        assert_eq!(line("strata_request_duration_seconds_bucket{", &fast), "1");
    }

    #[test]
    fn what_was_shed_is_counted() {
        let metrics = metrics();
        let requests = RequestMetrics::new(&metrics.meter());
        requests.shed();
        requests.shed();
        assert_eq!(
            value(&metrics.render(), "strata_requests_shed_total"),
            Some("2")
        );
    }

    #[test]
    fn a_scrape_tells_of_the_material() {
        let metrics = metrics();
        let material = MaterialMetrics::new(&metrics.meter());
        material.expires(SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000));
        for outcome in ["replaced", "refused", "refused"] {
            material.reloaded(outcome);
        }
        let text = metrics.render();
        let reloads = |outcome| format!("strata_material_reload_total{{outcome=\"{outcome}\"");
        assert_eq!(value(&text, &reloads("replaced")), Some("1"));
        assert_eq!(value(&text, &reloads("refused")), Some("2"));
        let expiry = value(&text, "strata_material_expiry_timestamp_seconds");
        assert_eq!(expiry, Some("1800000000"));
    }

    /// The value of the first line that begins so.
    fn value<'a>(text: &'a str, line: &str) -> Option<&'a str> {
        let found = text.lines().find(|candidate| candidate.starts_with(line))?;
        found.rsplit(' ').next()
    }

    #[test]
    fn security_events_are_counted_by_kind_and_reason() {
        let metrics = metrics();
        let events = Events::new(&metrics.meter());
        let address = "127.0.0.1:1".parse().unwrap();
        events.emit(&SecurityEvent::PeerRefused {
            address,
            reason: "expired",
        });
        events.emit(&SecurityEvent::PeerRefused {
            address,
            reason: "expired",
        });
        events.emit(&SecurityEvent::CallRefused {
            who: Who::default(),
            method: "/made/up",
            resource: None,
            reason: "unknown_method",
        });
        let text = metrics.render();
        let counts: Vec<_> = text
            .lines()
            .filter(|l| l.starts_with("strata_security_events_total{"))
            .collect();
        assert_eq!(counts.len(), 2, "{text}");
        assert!(
            counts
                .iter()
                .any(|l| l.contains("reason=\"expired\"") && l.ends_with(" 2"))
        );
        let expired = SecurityEvent::PeerRefused {
            address,
            reason: "expired",
        };
        (0..998).for_each(|_| events.emit(&expired));
        let text_after = metrics.render();
        let all = "strata_security_events_total{event=\"peer_refused\"";
        assert_eq!(value(&text_after, all), Some("1000"), "{text_after}");
        let unlogged = "strata_security_events_unlogged_total{event=\"peer_refused\"";
        assert!(value(&text_after, unlogged).is_some(), "{text_after}");
        assert!(
            !text.contains("/made/up"),
            "input must not become a label: {text}"
        );
    }
}
