//! Traces: the spans of requests, exported when a collector is configured.

use std::time::Duration;

use opentelemetry_otlp::{ExporterBuildError, MetricExporter, SpanExporter, WithExportConfig};
use opentelemetry_sdk::{
    Resource,
    trace::{Sampler, SdkTracerProvider},
};
use url::Url;

/// How long one export may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Both exporters to one collector.
pub(crate) fn exporters(
    collector: &Url,
) -> Result<(SpanExporter, MetricExporter), ExporterBuildError> {
    let spans = SpanExporter::builder()
        .with_tonic()
        .with_endpoint(collector.as_str())
        .with_timeout(TIMEOUT)
        .build()?;
    let metrics = MetricExporter::builder()
        .with_tonic()
        .with_endpoint(collector.as_str())
        .with_timeout(TIMEOUT)
        .build()?;
    Ok((spans, metrics))
}

/// Every span there is belongs to a sampled trace: who chooses is [`crate::Sampling`], before one is
/// made.
pub(crate) fn provider(exporter: SpanExporter, resource: Resource) -> SdkTracerProvider {
    SdkTracerProvider::builder()
        .with_resource(resource)
        .with_sampler(Sampler::AlwaysOn)
        .with_batch_exporter(exporter)
        .build()
}
