//! What the files of the service's folder say.

use std::fs;

use crate::bench::{Bench, change};

#[tokio::test]
async fn a_misspelt_key_is_named_with_its_file() {
    let bench = Bench::of("system-customers").await;
    let folder = bench.copy();
    bench.assert_starts(bench.honest().folder(&folder)).await;
    let base = folder.join("config/base.toml");
    change(&base, |text| {
        text.replace("max_connections", "max_conections")
    });
    let parts = ["config/base.toml", "max_conections", "max_connections"];
    bench
        .assert_refuses(bench.honest().folder(&folder), &parts)
        .await;
}

#[tokio::test]
async fn every_environment_has_its_file() {
    let bench = Bench::of("system-customers").await;
    let folder = bench.copy();
    bench.assert_starts(bench.honest().folder(&folder)).await;
    fs::remove_file(folder.join("config/dev.toml")).unwrap();
    let launch = bench.honest().folder(&folder);
    bench.assert_refuses(launch, &["config/dev.toml"]).await;
}

#[tokio::test]
async fn what_is_no_toml_is_named_with_its_line() {
    let bench = Bench::of("process-customer-overview").await;
    let folder = bench.copy();
    bench.assert_starts(bench.honest().folder(&folder)).await;
    change(&folder.join("config/base.toml"), |text| {
        format!("{text}\n[limits\n")
    });
    let launch = bench.honest().folder(&folder);
    bench.assert_refuses(launch, &["config/base.toml"]).await;
}

#[tokio::test]
async fn an_upstream_nobody_declared_is_named() {
    let bench = Bench::of("process-customer-overview").await;
    bench.assert_starts(bench.honest()).await;
    let variable = "STRATA_UPSTREAMS__STOREFRONT__ENDPOINTS";
    let launch = bench.honest().set(variable, "[127.0.0.1:1]");
    bench.assert_refuses(launch, &["storefront"]).await;
}

#[tokio::test]
async fn who_says_where_a_client_is_is_named_whole_and_at_the_edge_alone() {
    let honest = "[listen.x_forwarded_for]\nproxies = ['10.0.0.0/8']\nhops = 1\n";
    let bench = Bench::of("experience-storefront").await;
    let folder = bench.copy();
    let base = folder.join("config/base.toml");
    change(&base, |text| format!("{text}\n{honest}"));
    bench.assert_starts(bench.honest().folder(&folder)).await;
    for (from, to, key) in [
        ("10.0.0.0/8", "10.0.0.1/8", "x_forwarded_for.proxies"),
        ("'10.0.0.0/8'", "", "x_forwarded_for.proxies"),
        ("hops = 1", "hops = 0", "x_forwarded_for.hops"),
    ] {
        change(&base, |text| text.replace(from, to));
        let launch = bench.honest().folder(&folder);
        bench
            .assert_refuses(launch, &["config/base.toml:", key])
            .await;
        change(&base, |text| {
            let (before, _) = text.split_once("[listen.x_forwarded_for]").unwrap();
            format!("{before}{honest}")
        });
    }
    let bench = Bench::of("process-customer-overview").await;
    let folder = bench.copy();
    bench.assert_starts(bench.honest().folder(&folder)).await;
    change(&folder.join("config/base.toml"), |text| {
        format!("{text}\n{honest}")
    });
    let launch = bench.honest().folder(&folder);
    bench
        .assert_refuses(launch, &["config/base.toml:", "[listen.x_forwarded_for]"])
        .await;
}

#[tokio::test]
async fn a_wrong_callers_toml_is_named_before_a_port_is_taken() {
    for (from, to, parts) in [
        (
            "GetCustomer",
            "GetCustomr",
            ["policy/callers.toml", "GetCustomr"],
        ),
        (
            "\"process\"",
            "\"experience\"",
            ["policy/callers.toml", "experience"],
        ),
        (
            "clearance",
            "clearence",
            ["policy/callers.toml", "clearence"],
        ),
    ] {
        let bench = Bench::of("system-customers").await;
        let folder = bench.copy();
        bench.assert_starts(bench.honest().folder(&folder)).await;
        change(&folder.join("policy/callers.toml"), |text| {
            text.replacen(from, to, 1)
        });
        bench
            .assert_refuses(bench.honest().folder(&folder), &parts)
            .await;
    }
}

#[tokio::test]
async fn a_folder_that_is_none_is_named() {
    let bench = Bench::of("system-customers").await;
    let launch = bench.honest().folder(&bench.path("nowhere"));
    bench.assert_refuses(launch, &["nowhere", "--folder"]).await;
}
