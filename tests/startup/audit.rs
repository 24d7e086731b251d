//! An audit trail that a start finds, or cannot begin.

use std::{
    fs,
    path::{Path, PathBuf},
};

use strata_config::Environment;
use strata_estate::Pki;
use strata_tests::{Launch, SmallDisk, trail::Kept};

use crate::bench::{Bench, assert_sentence};

/// Runs a process until it is ready, and has it end. Gives its log.
async fn ran(launch: Launch) -> String {
    let process = launch.start().await.unwrap();
    process.terminate().unwrap();
    let ended = process.ended().await.unwrap();
    assert!(ended.status.success(), "{ended:?}");
    ended.stderr
}

/// The last file of a trail or of checkpoints in a folder, which holds a lock besides.
fn last(folder: &Path) -> PathBuf {
    let files = fs::read_dir(folder).unwrap();
    let files = files.map(|file| file.unwrap().path());
    files
        .filter(|file| file.extension().is_some())
        .max()
        .unwrap()
}

#[tokio::test]
async fn the_trail_of_another_environment_is_named_and_left_alone() {
    let bench = Bench::of("system-customers").await;
    let kept = Kept::new().unwrap();
    let other = Pki::init(&bench.path("test"), Environment::Test).unwrap();
    let (manifest, exempted) = (&bench.service.manifest, bench.service.exempted().unwrap());
    let material = other.issue(manifest, &exempted).unwrap();
    let launch = bench
        .honest()
        .set("STRATA_ENV", "test")
        .set("STRATA_TLS__MATERIAL", material);
    ran(kept.of(launch)).await;
    let file = last(&kept.audit());
    let before = fs::read(&file).unwrap();
    let parts = [
        file.to_str().unwrap(),
        "audit trail of spiffe://system.test.",
    ];
    let checkpoints = bench.path("checkpoints");
    let launch = kept.of(bench.honest());
    let launch = launch.set("STRATA_AUDIT__CHECKPOINTS", checkpoints);
    bench.assert_refuses(launch, &parts).await;
    assert_eq!(
        (last(&kept.audit()), fs::read(&file).unwrap()),
        (file, before)
    );
}

#[tokio::test]
async fn a_truncated_checkpoint_is_told_at_the_start() {
    let bench = Bench::of("system-customers").await;
    let kept = Kept::new().unwrap();
    let launch = || kept.of(bench.honest());
    ran(launch()).await;
    let log = ran(launch()).await;
    assert!(!log.contains("checkpoint"), "{log}");
    let file = last(&kept.checkpoints());
    let whole = fs::read(&file).unwrap();
    for (length, told) in [(whole.len() - 1, "it is cut short"), (1, "it is cut short")] {
        fs::write(&file, &whole[..length]).unwrap();
        let log = ran(launch()).await;
        let told = log
            .lines()
            .any(|line| line.contains(told) && line.contains(file.to_str().unwrap()));
        assert!(told, "{log}");
        fs::remove_file(last(&kept.checkpoints())).unwrap();
    }
}

#[tokio::test]
async fn a_trail_that_nothing_vouches_for_is_told_at_the_start() {
    let bench = Bench::of("system-customers").await;
    let kept = Kept::new().unwrap();
    ran(kept.of(bench.honest())).await;
    fs::remove_file(last(&kept.checkpoints())).unwrap();
    let log = ran(kept.of(bench.honest())).await;
    let told = "no checkpoint vouches for the audit trail that is continued";
    assert!(log.contains(told), "{log}");
}

#[tokio::test]
async fn a_full_disk_stops_the_start_until_there_is_room() {
    let Some(disk) = SmallDisk::new(64).unwrap() else {
        return;
    };
    let bench = Bench::of("system-customers").await;
    let folders = ["AUDIT__FOLDER", "AUDIT__CHECKPOINTS"];
    for (variable, name) in folders.into_iter().zip(["audit", "checkpoints"]) {
        let kept = Kept::new().unwrap();
        let folder = disk.path(name);
        let launch = || {
            kept.of(bench.honest())
                .set(format!("STRATA_{variable}"), &folder)
        };
        ran(launch()).await;
        disk.fill().unwrap();
        assert_sentence(
            &launch().run().await.unwrap(),
            &[
                "the audit trail cannot be kept in",
                folder.to_str().unwrap(),
            ],
        );
        disk.make_room().unwrap();
        ran(launch()).await;
    }
}
