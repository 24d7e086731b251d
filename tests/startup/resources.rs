//! What the machine has or lacks.

use std::fs;

use crate::bench::{Bench, assert_sentence};

#[tokio::test]
async fn a_taken_port_is_named() {
    for service in [
        "system-customers",
        "process-customer-overview",
        "experience-storefront",
    ] {
        let bench = Bench::of(service).await;
        bench.assert_starts(bench.honest()).await;
        let taken = bench.taken().to_string();
        for key in ["listen.address", "admin.address"] {
            let variable = format!("STRATA_{}", key.to_uppercase().replace('.', "__"));
            let launch = bench.honest().set(variable, &taken);
            assert_sentence(&launch.run().await.unwrap(), &[&taken, key]);
        }
    }
}

#[tokio::test]
async fn a_store_that_cannot_be_opened_is_named() {
    let bench = Bench::of("system-customers").await;
    bench.assert_starts(bench.honest()).await;
    let file = bench.path("file");
    fs::write(&file, "no folder").unwrap();
    let folder = bench.path("folder.db");
    fs::create_dir(&folder).unwrap();
    let garbage = bench.path("garbage.db");
    fs::write(&garbage, "no database".repeat(1000)).unwrap();
    for path in [file.join("data.db"), folder, garbage] {
        let url = format!("sqlite:{}", path.display());
        let launch = bench.honest().set("STRATA_DATABASE__URL", url);
        bench.assert_refuses(launch, &["database"]).await;
    }
    let launch = bench.honest().set("STRATA_DATABASE__URL", "oracle:hunter2");
    bench.assert_refuses(launch, &["database.url"]).await;
}

#[tokio::test]
async fn an_announcement_that_cannot_be_written_is_named() {
    let bench = Bench::of("system-customers").await;
    bench.assert_starts(bench.honest()).await;
    let file = bench.path("nowhere").join("announce.json");
    let launch = bench.honest().argument("--announce").argument(&file);
    let ended = launch.run().await.unwrap();
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    let last = ended.stderr.lines().last().unwrap();
    assert!(
        last.starts_with("error: ") && last.contains("announce.json"),
        "{ended:?}"
    );
}
