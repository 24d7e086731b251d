//! What a scrape tells of requests, whatever became of them.

#![expect(clippy::panic, reason = "a handler that panics is what is tested")]

use std::{convert::Infallible, future::pending, time::Duration};

use http::{Request, Response};
use opentelemetry::metrics::MeterProvider as _;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use prometheus::Registry;
use strata_middleware::{DeadlineLayer, MetricsLayer, PanicLayer};
use strata_telemetry::RequestMetrics;
use tokio::time::timeout;
use tonic::body::Body;
use tower::{Layer as _, ServiceBuilder, ServiceExt as _, service_fn};

const SHORT: Duration = Duration::from_millis(20);

type Answer = Result<Response<Body>, Infallible>;

async fn answers(_: Request<()>) -> Answer {
    Ok(Response::new(Body::empty()))
}

async fn endless(_: Request<()>) -> Answer {
    pending().await
}

async fn panics(_: Request<()>) -> Answer {
    panic!("secret text");
}

/// How many requests there were of an outcome.
fn recorded(registry: &Registry, outcome: &str) -> u64 {
    let families = registry.gather();
    let metrics = families.iter().flat_map(|family| family.get_metric());
    let of_outcome = metrics.filter(|metric| {
        let mut labels = metric.get_label().iter();
        labels.any(|label| label.name() == "outcome" && label.value() == outcome)
    });
    of_outcome
        .map(|metric| metric.get_histogram().get_sample_count())
        .sum()
}

#[tokio::test]
async fn every_request_is_recorded_whatever_became_of_it() {
    let registry = Registry::new();
    let exporter = opentelemetry_prometheus::exporter().with_registry(registry.clone());
    let provider = SdkMeterProvider::builder()
        .with_reader(exporter.build().unwrap())
        .build();
    let meter = provider.meter("test");
    let metrics = MetricsLayer::new(RequestMetrics::new(&meter));

    let answered = metrics.layer(service_fn(answers));
    answered.oneshot(Request::new(())).await.unwrap();
    assert_eq!(recorded(&registry, "OK"), 1);

    let late = ServiceBuilder::new()
        .layer(DeadlineLayer::new(SHORT))
        .layer(metrics.clone())
        .service_fn(endless);
    late.oneshot(Request::new(())).await.unwrap();
    assert_eq!(recorded(&registry, "DEADLINE_EXCEEDED"), 1);

    let left = metrics.layer(service_fn(endless)).oneshot(Request::new(()));
    assert!(timeout(SHORT, left).await.is_err());
    assert_eq!(recorded(&registry, "ABANDONED"), 1);

    let fails = ServiceBuilder::new()
        .layer(PanicLayer)
        .layer(metrics)
        .service_fn(panics);
    fails.oneshot(Request::new(())).await.unwrap();
    assert_eq!(recorded(&registry, "INTERNAL"), 1);
    assert_eq!(recorded(&registry, "OK"), 1);
}
