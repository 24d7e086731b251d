//! Telemetry as a process starts it. Logging is per process, so this file holds one test.

use strata_config::Environment;
use strata_core::Layer;
use strata_telemetry::{Identity, SecurityEvent, Telemetry, TelemetryError};

#[test]
fn it_starts_once_and_needs_neither_runtime_nor_collector() {
    let identity = Identity {
        service: "orders".to_owned(),
        layer: Layer::System,
        environment: Environment::Dev,
    };
    let config = |filter: &str, collector: Option<&str>| strata_config::Telemetry {
        log_filter: filter.to_owned(),
        otlp_endpoint: collector.map(|url| url.parse().unwrap()),
        ..Default::default()
    };
    let start = |filter, collector| Telemetry::start(&config(filter, collector), &identity).err();
    assert!(matches!(
        start("orders=loud", None),
        Some(TelemetryError::Filter(_))
    ));
    let collector = Some("http://127.0.0.1:4317");
    assert!(matches!(
        start("info", collector),
        Some(TelemetryError::NoRuntime(_))
    ));

    // The exporter's channel needs a runtime, so starting without one proves that there is none.
    let telemetry = Telemetry::start(&config("off", None), &identity).unwrap();
    assert!(matches!(
        start("info", None),
        Some(TelemetryError::AlreadyStarted)
    ));

    let address = "127.0.0.1:1".parse().unwrap();
    telemetry.events().emit(&SecurityEvent::PeerRefused {
        address,
        reason: "expired",
    });
    telemetry.requests().record("/a.A/Get", "OK", 0.1);
    let text = telemetry.render();
    for name in [
        "strata_security_events_total{",
        "strata_request_duration_seconds_count{",
    ] {
        assert!(text.contains(name), "{name} in {text}");
    }
}
