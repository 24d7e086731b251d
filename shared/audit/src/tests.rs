//! What is written is what was decided, and it goes on after every end.

use std::{fs, io, os::unix::fs::PermissionsExt as _, time::Duration};

use strata_core::{Category, Label, Sensitivity};

use crate::{
    AuditError, Decision, Found, NotRecorded, Problem, Query, Verdict, Via, event, query,
    testing::{World, decision},
};

fn all(world: &World, what: &Query<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    query(&world.settings.folder, what, |it| {
        found.push(it);
        io::Result::Ok(())
    })
    .unwrap();
    found
}

#[tokio::test]
async fn what_is_written_is_what_was_decided_and_names_no_resource() {
    let world = World::new();
    let (trail, keeper) = world.open().unwrap();
    let label = Label::new(
        Sensitivity::Confidential,
        &[Category::Personal, Category::Location],
    );
    let told = Decision {
        released: label,
        ..decision(7)
    };
    trail.reserve().unwrap().durable(told).await.unwrap();
    let refused = Decision {
        trace: None,
        resource: None,
        verdict: Verdict::Refused,
        code: "PERMISSION_DENIED",
        rule: "own_data".into(),
        via: Via::Edge,
        ..decision(8)
    };
    trail.note(refused).unwrap();
    keeper.close().await;

    let found = all(&world, &Query::All);
    let [allowed, refused] = found.as_slice() else {
        panic!("{found:?}")
    };
    assert_eq!(allowed.record.label(), label);
    assert_eq!(allowed.record.trace_text(), format!("{:032x}", 7));
    assert_eq!(allowed.record.resource_kind, "customer_id");
    assert_eq!(allowed.verdict(), Verdict::Allowed);
    assert_eq!(
        (refused.verdict(), &*refused.record.rule),
        (Verdict::Refused, "own_data")
    );
    assert_eq!(
        (&*refused.record.via, refused.record.trace_text()),
        ("edge", String::new())
    );
    for file in world.files() {
        let bytes = fs::read(file).unwrap();
        assert!(!bytes.windows(5).any(|it| it == b"cus_7"));
    }
    // Whoever has the key of the environment can ask about it.
    let key = World::key();
    assert_eq!(all(&world, &Query::Subject("cus_7", &key)).len(), 1);
    assert_eq!(all(&world, &Query::Subject("cus_8", &key)).len(), 0);
    assert_eq!(all(&world, &Query::Trace(7)).len(), 1);

    let event = event(allowed);
    assert_eq!(
        (&event["class_uid"], &event["type_uid"]),
        (&6003.into(), &600_399.into())
    );
    let released = &event["metadata"]["data_classifications"][0];
    assert_eq!(released["confidentiality"], "Confidential");
    assert_eq!(
        (&event["action"], &event["status_code"]),
        (&"Allowed".into(), &"OK".into())
    );
    let report = world.verify();
    assert!(report.is_sound() && report.remarks.is_empty(), "{report:?}");
    assert_eq!(report.records, 2);
}

#[tokio::test]
async fn a_start_continues_the_trail_and_says_what_it_dropped() {
    let world = World::new();
    world.write(10).await;
    world.write(10).await;
    let report = world.verify();
    assert!(report.is_sound(), "{report:?}");
    // Ten each, a header each, and the seal of the first.
    assert_eq!(
        (report.files, report.records, report.entries),
        (2, 20, Some((1, 23)))
    );

    // As a process leaves it that ends within a write.
    let last = world.files().pop().unwrap();
    let mut bytes = fs::read(&last).unwrap();
    let half = bytes[..40].to_vec();
    bytes.extend(&half);
    fs::write(&last, &bytes).unwrap();
    let report = world.verify();
    assert!(
        report.is_sound() && report.remarks[0].contains("not finished"),
        "{report:?}"
    );
    world.write(1).await;
    let report = world.verify();
    assert!(report.is_sound(), "{report:?}");
    assert!(report.remarks[0].contains("40 bytes"), "{report:?}");
    assert_eq!(report.records, 21);
    // What was dropped is what the seal says, no more and no less.
    bytes.pop();
    fs::write(&last, &bytes).unwrap();
    assert_eq!(world.verify().findings[0].problem, Problem::CutShort);
}

#[tokio::test]
async fn a_trail_is_kept_by_one_process_of_its_service() {
    let world = World::new();
    let (_trail, keeper) = world.open().unwrap();
    assert!(matches!(world.open().err(), Some(AuditError::Taken { .. })));
    keeper.close().await;
    world.open().unwrap().1.close().await;

    let pki = strata_estate::Pki::open(&world.dir.path().join("pki"), crate::testing::ENVIRONMENT);
    let mut other = World::of(tempfile::tempdir().unwrap(), &pki.unwrap(), "other");
    other.settings.folder.clone_from(&world.settings.folder);
    assert!(matches!(
        other.open().err(),
        Some(AuditError::Foreign { .. })
    ));
}

#[tokio::test]
async fn a_start_refuses_a_trail_that_its_checkpoints_know_better() {
    let world = World::new();
    world.write(10).await;
    let last = world.files().pop().unwrap();
    let whole = fs::read(&last).unwrap();
    fs::write(&last, &whole[..whole.len() - 1]).unwrap();
    assert!(matches!(
        world.open().err(),
        Some(AuditError::Broken { .. })
    ));
    fs::remove_file(&last).unwrap();
    assert!(matches!(
        world.open().err(),
        Some(AuditError::Broken { .. })
    ));
    fs::write(&last, &whole).unwrap();
    world.write(1).await;
    assert!(world.verify().is_sound());
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_named() {
    let world = World::new();
    world.write(1).await;
    // A file in the place of a folder stops root as well.
    let taken = world.dir.path().join("taken");
    fs::write(&taken, "").unwrap();
    for (folder, checkpoints) in [
        (taken.join("audit"), world.settings.checkpoints.clone()),
        (world.settings.folder.clone(), taken.join("checkpoints")),
    ] {
        let mut world = World::new();
        (world.settings.folder, world.settings.checkpoints) = (folder, checkpoints);
        let refused = world.open().err().unwrap().to_string();
        assert!(refused.contains("taken"), "{refused}");
    }
    let mode = fs::metadata(&world.settings.folder)
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[tokio::test]
async fn when_the_queue_is_full_nothing_more_is_let_in() {
    let mut world = World::new();
    world.settings.queue = 64;
    let (trail, keeper) = world.open().unwrap();
    // Each request under way holds a place.
    let places: Vec<_> = (0..64).map(|_| trail.reserve().unwrap()).collect();
    assert_eq!(trail.reserve().err(), Some(NotRecorded::Full));
    assert_eq!(trail.note(decision(1)), Err(NotRecorded::Full));
    let half = places.into_iter().skip(40);
    let rest: Vec<_> = half.collect();
    trail.note(decision(2)).unwrap();
    drop(rest);
    keeper.close().await;
    assert_eq!(trail.reserve().err(), Some(NotRecorded::Failing));
    assert_eq!(world.verify().records, 1);
}

#[tokio::test]
async fn who_is_refused_keeps_nobody_out() {
    let mut world = World::new();
    world.settings.queue = 64;
    let (trail, keeper) = world.open().unwrap();
    let held: Vec<_> = (0..33).map(|_| trail.reserve().unwrap()).collect();
    assert_eq!(trail.note(decision(1)), Err(NotRecorded::Full));
    trail.reserve().unwrap().buffered(decision(2));
    drop(held);
    keeper.close().await;
}

#[tokio::test]
async fn files_are_rotated_and_go_when_their_time_is_over() {
    let mut world = World::new();
    world.settings.file_bytes = 1;
    world.write(3).await;
    let (trail, keeper) = world.open().unwrap();
    for number in 0..5 {
        let place = trail.reserve().unwrap();
        place.durable(decision(number)).await.unwrap();
    }
    keeper.close().await;
    assert!(world.files().len() >= 5, "{:?}", world.files());
    let report = world.verify();
    assert!(report.is_sound(), "{report:?}");
    assert_eq!(report.records, 8);

    // Without a record of it, a file that is gone is missing.
    let first = world.files().remove(0);
    let kept = fs::read(&first).unwrap();
    fs::remove_file(&first).unwrap();
    assert_eq!(world.verify().findings[0].problem, Problem::MissingFile);
    fs::write(&first, kept).unwrap();

    world.settings.retention = Duration::ZERO;
    world.write(1).await;
    let report = world.verify();
    assert!(report.is_sound(), "{report:?}");
    assert!(
        !first.exists() && world.files().len() <= 2,
        "{:?}",
        world.files()
    );
    world.settings.retention = Duration::from_secs(3600);
    world.write(1).await;
    assert!(world.verify().is_sound());
    let first = world.files().remove(0);
    fs::remove_file(first).unwrap();
    assert!(!world.verify().is_sound());
}

#[tokio::test]
async fn a_start_goes_on_after_a_file_that_was_only_begun() {
    let world = World::new();
    world.write(2).await;
    for begun in [&b""[..], &fs::read(&world.files()[0]).unwrap()[..20]] {
        let next = world
            .settings
            .folder
            .join(crate::folder::name(100, "trail"));
        fs::write(&next, begun).unwrap();
        let report = world.verify();
        assert!(report.is_sound(), "{report:?}");
        world.write(1).await;
        assert!(!next.exists() && world.verify().is_sound());
    }
}
