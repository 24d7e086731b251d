//! F7: disks that are full while the estate works.

use std::time::Duration;

use sqlx::{Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};
use strata_tests::{
    Launch, Rig, SmallDisk,
    trail::{twice, verified},
};
use tokio::time::sleep;

use crate::{
    trial::{Calm, Promise, Trial},
    ways::Ways,
};

/// How long a disk is full.
const FULL: Duration = Duration::from_secs(8);
/// Large enough for what is written before.
const SIZE: u32 = 16 * 1024;

/// What cannot be written is refused at once.
const PROMISE: Promise = Promise {
    noticed: Duration::from_secs(1),
    ..Promise::at_once(&[503])
};

/// Fills the disk while users ask, and keeps the promise.
async fn trial(rig: &Rig, disk: &SmallDisk, form: impl Fn(&str, Launch) -> Launch) -> Trial {
    let ways = Ways::start(rig, form).await;
    let fault = Calm::before("customers", ways.load(rig)).ends().await;
    disk.fill().unwrap();
    sleep(FULL).await;
    disk.make_room().unwrap();
    let trial = fault.ends().await;
    println!("full: {trial}");
    let failed = trial.records.failed();
    assert!(!failed.0.is_empty(), "the disk was never full");
    ways.stop().await;
    let faults = trial.faults(&PROMISE);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    trial
}

pub(crate) async fn nobody_is_served_while_the_disk_of_the_trail_is_full(rig: &mut Rig) {
    let Some(disk) = SmallDisk::new(SIZE).unwrap() else {
        return;
    };
    let (audit, checkpoints) = (disk.path("audit"), disk.path("checkpoints"));
    let form = |service: &str, launch: Launch| match service {
        "customers" => launch
            .set("STRATA_AUDIT__FOLDER", &audit)
            .set("STRATA_AUDIT__CHECKPOINTS", &checkpoints),
        _ => launch,
    };
    trial(rig, &disk, form).await;
    let id = &rig.estate.service("customers").unwrap().id;
    let report = verified(rig, &audit, &checkpoints, id).unwrap();
    assert!(report.is_sound(), "{report:?}");
    assert_eq!(twice(&audit).unwrap(), [0_u64; 0]);
}

pub(crate) async fn nothing_is_half_written_while_the_disk_of_the_store_is_full(rig: &mut Rig) {
    let Some(disk) = SmallDisk::new(SIZE).unwrap() else {
        return;
    };
    let store = disk.path("data.db");
    let mut original = opened(&rig.store("customers").unwrap()).await;
    let copy = sqlx::query("VACUUM INTO ?1").bind(store.to_str());
    copy.execute(&mut original).await.unwrap();
    // Users of every case have the same keys.
    let forget = sqlx::query("DELETE FROM contact_updates");
    forget.execute(&mut opened(&store).await).await.unwrap();
    let form = |service: &str, launch: Launch| match service {
        "customers" => launch.set(
            "STRATA_DATABASE__URL",
            format!("sqlite:{}", store.display()),
        ),
        _ => launch,
    };
    let trial = trial(rig, &disk, form).await;
    let others = trial
        .records
        .failed()
        .only(|record| record.kind != "contact");
    assert!(others.0.is_empty(), "what only reads failed: {others}");

    let mut store = opened(&store).await;
    let sound: String = sqlx::query_scalar("PRAGMA integrity_check")
        .fetch_one(&mut store)
        .await
        .unwrap();
    assert_eq!(sound, "ok");
    let changes = trial
        .records
        .only(|record| record.kind == "contact" && record.is_answered());
    let made = remembered(&mut store).await;
    assert_eq!(made, changes.0.len(), "changes made, and answered");
}

async fn opened(file: &std::path::Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(file);
    SqliteConnection::connect_with(&options).await.unwrap()
}

/// How many changes a store has made.
async fn remembered(store: &mut SqliteConnection) -> usize {
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM contact_updates")
        .fetch_one(store)
        .await
        .unwrap();
    usize::try_from(count).unwrap()
}
