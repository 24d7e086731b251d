//! What only an exemption lets through ends with its last day at the caller, whatever the callee does.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use http::Request;
use opentelemetry::metrics::MeterProvider as _;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use prometheus::Registry;
use strata_config::Expires;
use strata_core::{Call, Caller, TraceContext};
use strata_middleware::{ExemptionLayer, outbound::OnBehalfOf};
use strata_telemetry::Events;
use tonic::{Code, Status, body::Body};
use tower::{Layer as _, ServiceExt as _, service_fn};

fn call() -> OnBehalfOf {
    let trace = TraceContext {
        trace_id: 1,
        span_id: 2,
        sampled: false,
    };
    OnBehalfOf {
        call: Call {
            caller: Caller::Edge,
            principal: None,
            credential: None,
            objects: None,
            deadline: Instant::now() + Duration::from_secs(1),
            trace,
        },
        request: Request::new(Body::empty()),
    }
}

#[tokio::test]
async fn the_caller_sends_nothing_after_the_last_day() {
    let registry = Registry::new();
    let exporter = opentelemetry_prometheus::exporter().with_registry(registry.clone());
    let provider = SdkMeterProvider::builder().with_reader(exporter.build().unwrap());
    let provider = provider.build();
    let sent = AtomicUsize::new(0);
    let send = async |expires: Option<Expires>| {
        let events = Events::new(&provider.meter("test"));
        let exemption = expires.map(|day| (day, events));
        let callee = service_fn(|_: OnBehalfOf| async {
            sent.fetch_add(1, Ordering::SeqCst);
            Ok::<_, Status>(())
        });
        let layer = ExemptionLayer::new("orders", exemption);
        let answer = layer.layer(callee).oneshot(call()).await;
        answer.map_err(|status| status.code())
    };
    // By the rule, and until the last day.
    for expires in [None, Some(Expires::in_days(1)), Some(Expires::in_days(0))] {
        assert_eq!(send(expires).await, Ok(()));
    }
    assert!(!told(&registry).contains(&"upstream_refused".to_owned()));
    let over = send(Some(Expires::in_days(-1))).await;
    assert_eq!(over, Err(Code::PermissionDenied));
    assert_eq!(sent.load(Ordering::SeqCst), 3);
    let told = told(&registry);
    for expected in ["upstream_refused", "exemption_expired"] {
        assert!(told.contains(&expected.to_owned()), "{told:?}");
    }
}

/// What was counted, by its labels.
fn told(registry: &Registry) -> Vec<String> {
    let families = registry.gather();
    let metrics = families.iter().flat_map(|family| family.get_metric());
    let labels = metrics.flat_map(|metric| metric.get_label());
    labels.map(|label| label.value().to_owned()).collect()
}
