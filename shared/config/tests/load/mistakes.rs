//! How mistakes are named.

use std::fs;

use crate::service::{SECRET, Service};
use serde::Deserialize;

#[test]
fn every_mistake_is_reported_at_once_by_file_line_and_key() {
    let service = Service::new("process", &format!("[listen]\nadress = '{SECRET}'\n")).with(
        "dev",
        &format!("[limits]\nhandshakes = 0\nconnections = '{SECRET}'\n[telemetry]\nlog_format = '{SECRET}'\n"),
    );
    let problem = service.problem(&[
        ("STRATA_ADMIN__ADDRESS", SECRET),
        ("STRATA_LIMITS__BODY_BYTES", "-1"),
        ("STRATA_LIMITS__HEADER_TIMEOUT", SECRET),
        ("STRATA_TELEMETRY__OTLP_ENDPOINT", SECRET),
        ("STRATA_UPSTREAMS__ORDER_BOOK__ENDPOINTS", SECRET),
        ("STRATA_UPSTREAMS__ORDERS_BOOK__ENDPOINTS", "[127.0.0.1:1]"),
    ]);
    let mut lines: Vec<_> = problem.lines().collect();
    lines.sort_unstable();
    assert_eq!(
        lines,
        [
            "STRATA_ADMIN__ADDRESS: key 'admin.address' is not valid: expected an IP address and port, such as 127.0.0.1:8443",
            "STRATA_LIMITS__BODY_BYTES: key 'limits.body_bytes' is not valid: expected a whole number, not negative",
            "STRATA_LIMITS__HEADER_TIMEOUT: key 'limits.header_timeout' is not valid: expected a duration",
            "STRATA_TELEMETRY__OTLP_ENDPOINT: key 'telemetry.otlp_endpoint' is not valid: expected a URL, such as http://127.0.0.1:4317",
            "STRATA_UPSTREAMS__ORDERS_BOOK__ENDPOINTS: unknown key 'upstreams.orders_book': service.toml declares no such call; did you mean 'order_book'?",
            "STRATA_UPSTREAMS__ORDER_BOOK__ENDPOINTS: key 'upstreams.order_book.endpoints' is not valid: expected a list of hosts with ports, such as [\"127.0.0.1:8443\"]",
            "config/base.toml:2: unknown key 'listen.adress'; did you mean 'address'?",
            "config/dev.toml:2: key 'limits.handshakes' is zero: no limit can be switched off",
            "config/dev.toml:3: key 'limits.connections' is not valid: expected a whole number, not negative",
            "config/dev.toml:5: key 'telemetry.log_format' is not valid: expected one of json, pretty",
        ]
    );
}

#[test]
fn unknown_sections_and_variables_are_refused() {
    assert!(Service::new("process", "").dev().is_ok());
    let sections = "listen, admin, tls, policy, audit, limits, telemetry, upstreams, database, tokens, cors, settings";
    assert_eq!(
        Service::new("process", "[listens]\n").dev().unwrap_err(),
        "config/base.toml:1: unknown key 'listens'; did you mean 'listen'?"
    );
    let service = Service::new("process", "");
    assert_eq!(
        service.problem(&[("STRATA_DEBUGGING", SECRET)]),
        format!("STRATA_DEBUGGING: unknown key 'debugging'; expected one of {sections}")
    );
    for name in ["STRATA_", "STRATA___LISTEN", "STRATA_LISTEN__"] {
        assert_eq!(
            service.problem(&[(name, SECRET)]),
            format!("{name}: names no key: use STRATA_<SECTION>__<KEY>")
        );
    }
}

#[test]
fn a_missing_or_malformed_file_is_named() {
    let service =
        Service::new("process", "").with("dev", &format!("[listen]\naddress = {SECRET}\n"));
    fs::remove_file(service.folder.path().join("config/base.toml")).unwrap();
    let problem = service.problem(&[]);
    let (missing, malformed) = problem.split_once('\n').unwrap();
    assert!(
        missing.starts_with("config/base.toml: no such file"),
        "{missing}"
    );
    assert!(
        malformed.starts_with("config/dev.toml:2: not valid TOML"),
        "{malformed}"
    );
}

#[test]
fn settings_are_the_services_own() {
    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Settings {
        page_size: u32,
    }
    let settings = |text: &str| {
        let service = Service::new("process", &format!("[settings]\n{text}"));
        let prefix = format!("{}/", service.folder.path().display());
        service
            .dev()
            .unwrap()
            .settings::<Settings>()
            .map_err(|error| error.to_string().replace(&prefix, ""))
    };
    assert_eq!(settings("page_size = 5"), Ok(Settings { page_size: 5 }));
    assert_eq!(
        settings("page_sise = 5").unwrap_err(),
        "config/base.toml:2: unknown key 'settings.page_sise'; did you mean 'page_size'?\n\
         config/base.toml:1: key 'settings.page_size' is missing"
    );
    assert_eq!(
        settings(&format!("page_size = '{SECRET}'")).unwrap_err(),
        "config/base.toml:2: key 'settings.page_size' is not valid: expected a whole number, not negative"
    );
}
