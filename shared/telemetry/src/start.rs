//! Starting and stopping telemetry.

use std::panic;

use opentelemetry::{KeyValue, metrics::Meter, trace::TracerProvider};
use opentelemetry_otlp::ExporterBuildError;
use opentelemetry_sdk::{Resource, error::OTelSdkError, trace::SdkTracerProvider};
use strata_config::Environment;
use strata_core::Layer;
use tracing_subscriber::{
    Layer as _,
    filter::{ParseError, filter_fn},
    layer::SubscriberExt,
};

use crate::{
    events::Events,
    log,
    metrics::{Metrics, RequestMetrics},
    request::{self, Sampling},
    traces,
};

/// Which process speaks.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The service's name.
    pub service: String,
    /// Its layer.
    pub layer: Layer,
    /// Where it runs.
    pub environment: Environment,
}

impl Identity {
    /// Its SPIFFE ID; its name where that makes none, with which no service starts.
    pub(crate) fn id(&self) -> String {
        let domain = strata_config::trust_domain(self.layer, self.environment).ok();
        let id = domain.and_then(|domain| domain.workload(&self.service).ok());
        id.map_or_else(|| self.service.clone(), |id| id.as_str().to_owned())
    }

    /// As OpenTelemetry's semantic conventions name it.
    fn resource(&self) -> Resource {
        Resource::builder_empty()
            .with_service_name(self.service.clone())
            .with_attributes([
                KeyValue::new("service.namespace", self.layer.as_str()),
                KeyValue::new("deployment.environment.name", self.environment.as_str()),
            ])
            .build()
    }
}

/// The telemetry of one process.
pub struct Telemetry {
    metrics: Metrics,
    traces: Option<SdkTracerProvider>,
    events: Events,
    requests: RequestMetrics,
    sampling: Sampling,
}

/// Why telemetry does not start.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// `telemetry.log_filter` is malformed.
    #[error("key 'telemetry.log_filter' is not valid: expected directives such as info,sqlx=warn")]
    Filter(#[source] ParseError),
    /// `telemetry.otlp_endpoint` cannot be used.
    #[error("key 'telemetry.otlp_endpoint' is not usable")]
    Exporter(#[from] ExporterBuildError),
    /// The metrics cannot be set up.
    #[error("metrics cannot be set up")]
    Metrics(#[from] OTelSdkError),
    /// Exporting needs the runtime that serves the requests.
    #[error("start telemetry within the async runtime")]
    NoRuntime(#[source] tokio::runtime::TryCurrentError),
    /// There is one log per process.
    #[error("telemetry is already started in this process")]
    AlreadyStarted,
}

impl Telemetry {
    /// Starts logging to stderr, counting and, when a collector is configured, exporting. Once per
    /// process, within a tokio runtime.
    ///
    /// # Errors
    /// [`TelemetryError`]; nothing is half-started then.
    pub fn start(
        config: &strata_config::Telemetry,
        identity: &Identity,
    ) -> Result<Self, TelemetryError> {
        let filter = log::filter(&config.log_filter).map_err(TelemetryError::Filter)?;
        let lines = log::layer(config.log_format, filter, identity, std::io::stderr);
        let resource = identity.resource();
        let (traces, pushed) = match &config.otlp_endpoint {
            Some(collector) => {
                tokio::runtime::Handle::try_current().map_err(TelemetryError::NoRuntime)?;
                let (spans, metrics) = traces::exporters(collector)?;
                let provider = traces::provider(spans, resource.clone());
                (Some(provider), Some(metrics))
            }
            None => (None, None),
        };
        let metrics = Metrics::new(resource, pushed)?;
        let spans = traces.as_ref().map(|traces| {
            tracing_opentelemetry::layer()
                .with_tracer(traces.tracer("strata"))
                .with_context_activation(false)
                .with_level(false)
                .with_location(false)
                .with_threads(false)
                .with_tracked_inactivity(false)
                .with_filter(filter_fn(|it| {
                    it.is_span() && it.target() == request::TARGET
                }))
        });
        let subscriber = tracing_subscriber::registry().with(lines).with(spans);
        tracing::subscriber::set_global_default(subscriber)
            .map_err(|_| TelemetryError::AlreadyStarted)?;
        panic::set_hook(Box::new(log::panicked));
        let meter = metrics.meter();
        let ratio = traces.as_ref().map_or(0.0, |_| config.sample_ratio);
        let (events, requests) = (Events::new(&meter), RequestMetrics::new(&meter));
        Ok(Self {
            metrics,
            traces,
            events,
            requests,
            sampling: Sampling::new(ratio),
        })
    }

    /// For metrics of a crate's own.
    #[must_use]
    pub fn meter(&self) -> Meter {
        self.metrics.meter()
    }

    /// Emits security events.
    #[must_use]
    pub fn events(&self) -> Events {
        self.events.clone()
    }

    /// Counts and times requests.
    #[must_use]
    pub fn requests(&self) -> RequestMetrics {
        self.requests.clone()
    }

    /// Which traces are recorded.
    #[must_use]
    pub const fn sampling(&self) -> Sampling {
        self.sampling
    }

    /// Every metric in the Prometheus text format, version 0.0.4.
    #[must_use]
    pub fn render(&self) -> String {
        self.metrics.render()
    }

    /// Exports what is still held, which takes some seconds at most, and stops.
    pub async fn shutdown(self) {
        let stopped = tokio::task::spawn_blocking(move || {
            let traces = self.traces.map_or(Ok(()), |traces| traces.shutdown());
            traces.and(self.metrics.shutdown())
        });
        if let Ok(Err(error)) = stopped.await {
            tracing::warn!(%error, "telemetry was not exported in full");
        }
    }
}
