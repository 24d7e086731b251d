//! What the process's environment says.

use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _};

use crate::bench::{Bench, assert_sentence};

const SERVICES: [&str; 4] = [
    "system-customers",
    "system-orders",
    "process-customer-overview",
    "experience-storefront",
];

#[tokio::test]
async fn the_environment_must_be_named() {
    for service in SERVICES {
        let bench = Bench::of(service).await;
        bench.assert_starts(bench.honest()).await;
        let missing = bench.honest().unset("STRATA_ENV");
        let known = ["STRATA_ENV", "dev", "test", "staging", "prod"];
        bench.assert_refuses(missing, &known).await;
        for unknown in ["production", "Dev", ""] {
            let launch = bench.honest().set("STRATA_ENV", unknown);
            bench.assert_refuses(launch, &known).await;
        }
    }
}

#[tokio::test]
async fn a_misspelt_variable_is_named() {
    let bench = Bench::of("system-customers").await;
    bench.assert_starts(bench.honest()).await;
    for (variable, meant) in [
        ("STRATA_ADMIN__ADRESS", "address"),
        ("STRATA_ADMN__ADDRESS", "admin"),
        ("STRATA_LIMITS__CONECTIONS", "connections"),
    ] {
        let launch = bench.honest().set(variable, "hunter2");
        bench.assert_refuses(launch, &[variable, meant]).await;
        let ended = bench.honest().set(variable, "hunter2").run().await.unwrap();
        assert!(!ended.stderr.contains("hunter2"), "{ended:?}");
    }
}

#[tokio::test]
async fn a_variable_of_the_wrong_form_is_named_without_its_value() {
    let bench = Bench::of("system-customers").await;
    bench.assert_starts(bench.honest()).await;
    for (variable, value, key) in [
        ("STRATA_ADMIN__ADDRESS", "hunter2", "admin.address"),
        (
            "STRATA_LIMITS__CONNECTIONS",
            "hunter2",
            "limits.connections",
        ),
        ("STRATA_LIMITS__CONNECTIONS", "0", "limits.connections"),
        (
            "STRATA_LIMITS__REQUEST_TIMEOUT",
            "hunter2",
            "limits.request_timeout",
        ),
        (
            "STRATA_TELEMETRY__LOG_FORMAT",
            "hunter2",
            "telemetry.log_format",
        ),
        (
            "STRATA_TELEMETRY__LOG_FILTER",
            "a=hunter2",
            "telemetry.log_filter",
        ),
    ] {
        let launch = || bench.honest().set(variable, value);
        bench.assert_refuses(launch(), &[key]).await;
        let ended = launch().run().await.unwrap();
        assert!(!ended.stderr.contains("hunter2"), "{ended:?}");
    }
}

/// Whatever else a process inherits is none of its business, text or not.
#[tokio::test]
async fn a_variable_that_is_no_text_is_refused_only_where_it_matters() {
    let bench = Bench::of("system-customers").await;
    let bytes = OsStr::from_bytes(b"\xff\xfe");
    bench.assert_starts(bench.honest().set("LESS", bytes)).await;
    let launch = bench.honest().set("STRATA_ADMIN__ADDRESS", bytes);
    assert_sentence(&launch.run().await.unwrap(), &["admin.address"]);
}
