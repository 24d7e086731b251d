//! Where values come from.

use std::{path::Path, time::Duration};

use serde::Deserialize;
use strata_config::{Environment, LogFormat, ORGANISATION};

use crate::service::Service;

#[test]
fn an_empty_configuration_has_the_defaults() {
    for environment in Environment::ALL {
        let config = Service::new("experience", "")
            .load(environment, &[])
            .unwrap();
        assert_eq!(config.listen.address.to_string(), "0.0.0.0:8443");
        assert_eq!(config.admin.address.to_string(), "127.0.0.1:9443");
        assert_eq!(config.tls.material, Path::new("/run/strata/material"));
        let state = Path::new("/var/lib/strata/experience-sample");
        assert_eq!(config.audit.folder, state.join("audit"));
        assert_eq!(config.audit.checkpoints, state.join("checkpoints"));
        assert_eq!(config.audit.queue, 16_384);
        assert_eq!(
            (config.limits.connections, config.limits.handshakes),
            (10_000, 4)
        );
        assert_eq!(config.limits.request_timeout, Duration::from_secs(10));
        assert_eq!(config.telemetry.log_format, LogFormat::Json);
        assert!(config.telemetry.otlp_endpoint.is_none());
        assert!(config.database.is_none());
        let endpoint = format!("order-book.process.{environment}.{ORGANISATION}:8443");
        assert_eq!(config.upstreams["order-book"].endpoints, [endpoint]);
        let tokens = config.tokens.unwrap();
        assert_eq!(
            tokens.issuer,
            format!("https://issuer.{environment}.{ORGANISATION}")
        );
        assert_eq!(
            tokens.audience,
            format!("https://sample.experience.{environment}.{ORGANISATION}")
        );
        assert_eq!((tokens.leeway, tokens.ca), (Duration::from_secs(5), None));
        assert!(!tokens.client_certificates);
    }
}

#[test]
fn what_is_nearer_wins() {
    let service = Service::new(
        "process",
        "[limits]\nconnections = 1\nhandshakes = 1\nbody_bytes = 1\n",
    )
    .with("dev", "[limits]\nhandshakes = 2\nbody_bytes = 2\n");
    let limits = service
        .load(Environment::Dev, &[("STRATA_LIMITS__BODY_BYTES", "3")])
        .unwrap()
        .limits;
    assert_eq!(
        (limits.connections, limits.handshakes, limits.body_bytes),
        (1, 2, 3)
    );
    let limits = service.load(Environment::Prod, &[]).unwrap().limits;
    assert_eq!(
        (limits.connections, limits.handshakes, limits.body_bytes),
        (1, 1, 1)
    );
}

#[test]
fn variables_are_typed_by_the_key_they_set() {
    let config = Service::new("experience", "")
        .load(
            Environment::Dev,
            &[
                ("STRATA_ENV", "dev"),
                ("PATH", "/bin"),
                ("STRATA_LISTEN__ADDRESS", "127.0.0.1:0"),
                ("STRATA_LIMITS__CONNECTIONS", "12"),
                ("STRATA_LIMITS__DRAIN_TIMEOUT", "250ms"),
                ("STRATA_TELEMETRY__SAMPLE_RATIO", "1"),
                ("STRATA_TELEMETRY__OTLP_ENDPOINT", "http://127.0.0.1:4317"),
                ("STRATA_TOKENS__AUDIENCE", "0042"),
                ("STRATA_TOKENS__ISSUER", "http://127.0.0.1:8080"),
                (
                    "STRATA_UPSTREAMS__ORDER_BOOK__ENDPOINTS",
                    "[127.0.0.1:1, \"[::1]:4000\"]",
                ),
                ("STRATA_SETTINGS__CODE", "1.10"),
                ("STRATA_SETTINGS__NAMES", "[a, b]"),
            ],
        )
        .unwrap();
    assert_eq!(config.listen.address.port(), 0);
    assert_eq!(config.limits.connections, 12);
    assert_eq!(config.limits.drain_timeout, Duration::from_millis(250));
    assert_eq!(
        config.telemetry.otlp_endpoint.as_ref().unwrap().port(),
        Some(4317)
    );
    let tokens = config.tokens.as_ref().unwrap();
    assert_eq!(
        (tokens.audience.as_str(), tokens.issuer.as_str()),
        ("0042", "http://127.0.0.1:8080")
    );
    assert_eq!(
        config.upstreams["order-book"].endpoints,
        ["127.0.0.1:1", "[::1]:4000"]
    );

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Settings {
        code: String,
        names: Vec<String>,
    }
    let settings: Settings = config.settings().unwrap();
    assert_eq!(
        (settings.code.as_str(), settings.names),
        ("1.10", vec!["a".into(), "b".into()])
    );
}
