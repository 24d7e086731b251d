//! `--print-config`: what would hold, without starting.

use std::fs;

use strata_tests::Ended;

use crate::bench::Bench;

fn printed(ended: &Ended) -> toml::Table {
    assert!(ended.status.success(), "{ended:?}");
    assert_eq!(ended.stderr, "", "{ended:?}");
    ended.stdout.parse().unwrap()
}

#[tokio::test]
async fn the_effective_configuration_is_printed_and_nothing_started() {
    let bench = Bench::of("system-customers").await;
    let taken = bench.taken().to_string();
    let launch = || {
        let launch = bench.honest().argument("--print-config");
        launch
            .set("STRATA_LISTEN__ADDRESS", &taken)
            .set("STRATA_LIMITS__CONNECTIONS", "77")
    };
    let ended = launch().run().await.unwrap();
    let config = printed(&ended);
    assert_eq!(config["listen"]["address"].as_str(), Some(&*taken));
    assert_eq!(config["limits"]["connections"].as_integer(), Some(77));
    // From base.toml, from dev.toml, and from nowhere but the defaults.
    assert_eq!(config["database"]["max_connections"].as_integer(), Some(8));
    assert_eq!(config["telemetry"]["log_format"].as_str(), Some("pretty"));
    assert_eq!(config["limits"]["handshakes"].as_integer(), Some(4));
    for source in [
        "STRATA_LIMITS__CONNECTIONS",
        "config/base.toml",
        "config/dev.toml",
    ] {
        assert!(ended.stdout.contains(source), "{source}: {}", ended.stdout);
    }
    assert!(!bench.path("data.db").exists(), "the store was opened");
}

#[tokio::test]
async fn what_is_printed_is_a_configuration() {
    let bench = Bench::of("process-customer-overview").await;
    let ended = bench
        .honest()
        .argument("--print-config")
        .run()
        .await
        .unwrap();
    let folder = bench.copy();
    fs::write(folder.join("config/base.toml"), &ended.stdout).unwrap();
    bench.assert_starts(bench.honest().folder(&folder)).await;
}

#[tokio::test]
async fn a_wrong_configuration_is_not_printed() {
    let bench = Bench::of("system-customers").await;
    let launch = bench.honest().argument("--print-config");
    bench
        .assert_refuses(
            launch.set("STRATA_LIMITS__CONECTIONS", "1"),
            &["CONECTIONS"],
        )
        .await;
}
