//! One trail that verifies, and what is said when one thing of it is not as it was.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use proptest::prelude::*;
use strata_config::trust_domain;
use strata_core::Layer;

use super::*;
use crate::{
    chain::Link,
    folder::TRAIL,
    format::Entry,
    read::{Reader, delimited},
    testing::{ENVIRONMENT, World},
};

/// Three starts of twenty records each, written once for all tests.
static WRITTEN: LazyLock<World> = LazyLock::new(|| {
    let world = World::new();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for _ in 0..3 {
        runtime.block_on(world.write(20));
    }
    world
});

/// A copy of it to be changed.
struct Copy {
    dir: tempfile::TempDir,
}

impl Copy {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        for (from, to) in [
            (&WRITTEN.settings.folder, "audit"),
            (&WRITTEN.settings.checkpoints, "checkpoints"),
        ] {
            let to = dir.path().join(to);
            fs::create_dir(&to).unwrap();
            for file in fs::read_dir(from).unwrap() {
                let file = file.unwrap();
                fs::copy(file.path(), to.join(file.file_name())).unwrap();
            }
        }
        Self { dir }
    }

    fn files(&self, folder: &str, extension: &str) -> Vec<PathBuf> {
        let folder = self.dir.path().join(folder);
        let files = crate::folder::files(&folder, extension).unwrap();
        files
            .into_iter()
            .map(|file| folder.join(file.name))
            .collect()
    }

    fn trail(&self) -> Vec<PathBuf> {
        self.files("audit", TRAIL)
    }

    fn verify(&self) -> Report {
        let (audit, checkpoints) = (
            self.dir.path().join("audit"),
            self.dir.path().join("checkpoints"),
        );
        let domain = WRITTEN.service.trust_domain();
        verify(&audit, &checkpoints, &WRITTEN.auditors(), &domain, None).unwrap()
    }

    #[track_caller]
    fn finding(&self) -> Finding {
        let report = self.verify();
        let first = report.findings.first().cloned();
        first.unwrap_or_else(|| panic!("nothing was found: {report:?}"))
    }
}

/// Number, begin and end of each entry of a file.
fn entries(file: &Path) -> Vec<(u64, usize, usize)> {
    let bytes = fs::read(file).unwrap();
    let (header, first) = crate::read::header(&bytes).unwrap();
    let link = Link {
        sequence: first - 1,
        hash: header.predecessor_hash.try_into().unwrap(),
    };
    let mut reader = Reader::new(&bytes, link);
    let mut entries = Vec::new();
    loop {
        let begin = reader.offset();
        match reader.next() {
            Some(item) => entries.push((item.unwrap().sequence, begin, reader.offset())),
            None => return entries,
        }
    }
}

fn change(file: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(file).unwrap();
    change(&mut bytes);
    fs::write(file, bytes).unwrap();
}

fn place(finding: &Finding) -> (&str, Option<u64>, Option<u64>) {
    (&finding.file, finding.sequence, finding.offset)
}

#[track_caller]
fn is_at(finding: &Finding, file: &Path, sequence: u64, offset: usize) {
    let expected = (file.to_str().unwrap(), Some(sequence), Some(offset as u64));
    assert_eq!(place(finding), expected, "{finding:?}");
}

#[test]
fn what_was_not_changed_is_sound() {
    let report = Copy::new().verify();
    assert!(report.is_sound() && report.remarks.is_empty(), "{report:?}");
    assert_eq!(report.vouched, report.entries.map(|(_, last)| last));
    assert_eq!((report.files, report.records), (3, 60));
    assert!(report.checkpoints >= 3);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_flipped_bit_is_found_where_it_is(file in 0..3_usize, at in any::<prop::sample::Index>(), bit in 0..8) {
        let copy = Copy::new();
        let file = copy.trail().remove(file);
        let entries = entries(&file);
        let at = at.index(entries.last().unwrap().2);
        change(&file, |bytes| bytes[at] ^= 1_u8 << bit);
        let (sequence, begin, _) = *entries.iter().find(|(_, _, end)| at < *end).unwrap();
        let finding = copy.finding();
        // A file that does not begin as one is named as a whole.
        prop_assert_eq!(place(&finding), (file.to_str().unwrap(), Some(sequence), Some(begin as u64)), "{:?}", finding);
    }

    #[test]
    fn a_deleted_entry_is_found_where_it_was(file in 0..3_usize, which in any::<prop::sample::Index>()) {
        let copy = Copy::new();
        let file = copy.trail().remove(file);
        let entries = entries(&file);
        let which = 1 + which.index(entries.len() - 1);
        let (sequence, begin, end) = entries[which];
        change(&file, |bytes| drop(bytes.drain(begin..end)));
        let finding = copy.finding();
        // Of the last one only what follows tells: the next file, or a checkpoint.
        let is_last = which == entries.len() - 1;
        if is_last {
            prop_assert_eq!(finding.sequence, Some(sequence), "{:?}", finding);
        } else {
            prop_assert_eq!(place(&finding), (file.to_str().unwrap(), Some(sequence), Some(begin as u64)), "{:?}", finding);
            prop_assert_eq!(finding.problem, Problem::OutOfOrder { found: sequence + 1 });
        }
    }

    #[test]
    fn entries_in_another_order_are_found(file in 0..3_usize, which in any::<prop::sample::Index>()) {
        let copy = Copy::new();
        let file = copy.trail().remove(file);
        let entries = entries(&file);
        let which = 1 + which.index(entries.len() - 2);
        let ((sequence, begin, middle), (_, _, end)) = (entries[which], entries[which + 1]);
        change(&file, |bytes| bytes[begin..end].rotate_left(middle - begin));
        let finding = copy.finding();
        prop_assert_eq!(place(&finding), (file.to_str().unwrap(), Some(sequence), Some(begin as u64)), "{:?}", finding);
        prop_assert_eq!(finding.problem, Problem::OutOfOrder { found: sequence + 1 });
    }

    #[test]
    fn a_tail_that_is_cut_off_is_found_by_the_last_checkpoint(at in any::<prop::sample::Index>()) {
        let copy = Copy::new();
        let file = copy.trail().pop().unwrap();
        let entries = entries(&file);
        // Not within the header: then the whole file is none.
        let (from, all) = (entries[0].2, entries.last().unwrap().2);
        let at = from + at.index(all - from);
        change(&file, |bytes| bytes.truncate(at));
        let (sequence, begin, _) = *entries.iter().find(|(_, _, end)| at < *end).unwrap();
        let finding = copy.finding();
        prop_assert_eq!(place(&finding), (file.to_str().unwrap(), Some(sequence), Some(begin as u64)), "{:?}", finding);
        let vouched = entries.last().unwrap().0;
        prop_assert_eq!(finding.problem, Problem::Truncated { vouched });
    }

    #[test]
    fn a_trail_that_is_written_anew_is_not_what_was_vouched_for(which in any::<prop::sample::Index>()) {
        let copy = Copy::new();
        let file = copy.trail().pop().unwrap();
        let entries = entries(&file);
        let which = 2 + which.index(entries.len() - 2);
        let (changed, ..) = entries[which];
        change(&file, |bytes| {
            *bytes = rewritten(bytes, |item| item.time += u64::from(item.sequence == changed));
        });
        let finding = copy.finding();
        let last = entries.last().unwrap().0;
        prop_assert_eq!((finding.sequence, finding.problem), (Some(last), Problem::Rewritten));
    }
}

/// The same file with its entries changed, and every hash made anew.
fn rewritten(bytes: &[u8], form: impl Fn(&mut crate::format::Item)) -> Vec<u8> {
    use prost::Message as _;
    let (header, first) = crate::read::header(bytes).unwrap();
    let mut link = Link {
        sequence: first - 1,
        hash: header.predecessor_hash.try_into().unwrap(),
    };
    let (mut rest, mut anew) = (bytes, Vec::new());
    while !rest.is_empty() {
        let (entry, length) = delimited::<Entry>(rest).unwrap();
        rest = &rest[length..];
        let mut item = crate::format::Item::decode(&*entry.item).unwrap();
        form(&mut item);
        link.append(item, &mut anew);
    }
    anew
}

#[test]
fn a_missing_file_is_found() {
    for (missing, problem) in [(0, Problem::MissingFile), (1, Problem::MissingFile)] {
        let copy = Copy::new();
        let files = copy.trail();
        let entries = entries(&files[missing]);
        fs::remove_file(&files[missing]).unwrap();
        let finding = copy.finding();
        assert_eq!(finding.problem, problem);
        let (first, last) = (entries.first().unwrap().0, entries.last().unwrap().0);
        let missed = finding.sequence.unwrap();
        assert!((first..=last).contains(&missed), "{finding:?}");
    }
    let copy = Copy::new();
    let last = copy.trail().pop().unwrap();
    let vouched = entries(&last).last().unwrap().0;
    fs::remove_file(&last).unwrap();
    assert_eq!(copy.finding().problem, Problem::Truncated { vouched });
    for file in copy.trail() {
        fs::remove_file(file).unwrap();
    }
    assert_eq!(copy.finding().problem, Problem::NoTrail);
}

#[test]
fn a_file_that_is_twice_there_is_found() {
    let copy = Copy::new();
    let files = copy.trail();
    let (sequence, ..) = entries(&files[2])[0];
    let twin = files[2].with_file_name(crate::folder::name(sequence + 1, TRAIL));
    fs::copy(&files[2], &twin).unwrap();
    is_at(&copy.finding(), &twin, sequence, 0);
}

#[test]
fn checkpoints_are_this_services_and_whole() {
    let copy = Copy::new();
    let files = copy.files("checkpoints", "checkpoints");
    let last = files.last().unwrap();
    let whole = fs::read(last).unwrap();
    for (length, problem) in [
        (whole.len() - 1, Problem::BrokenCheckpoint),
        (whole.len() / 2, Problem::BrokenCheckpoint),
        (1, Problem::BrokenCheckpoint),
    ] {
        fs::write(last, &whole[..length]).unwrap();
        let finding = copy.finding();
        assert_eq!(
            (&*finding.file, finding.problem),
            (last.to_str().unwrap(), problem)
        );
    }
    fs::write(last, &whole).unwrap();
    assert!(copy.verify().is_sound());
    // A signature, or what it is of.
    change(last, |bytes| *bytes.last_mut().unwrap() ^= 1);
    assert_eq!(copy.finding().problem, Problem::ForeignCheckpoint);

    // By the key of another service of the same environment.
    let pki = strata_estate::Pki::open(&WRITTEN.dir.path().join("pki"), ENVIRONMENT).unwrap();
    let other = World::of(tempfile::tempdir().unwrap(), &pki, "other");
    tokio::runtime::Runtime::new()
        .unwrap()
        .block_on(other.write(20));
    fs::copy(other.checkpoint_files().first().unwrap(), last).unwrap();
    assert_eq!(copy.finding().problem, Problem::ForeignCheckpoint);
    // Nor are they taken away.
    for file in &files {
        fs::remove_file(file).unwrap();
    }
    assert_eq!(copy.finding().problem, Problem::Unvouched);
}

#[test]
fn a_trail_of_another_environment_or_service_is_named() {
    let copy = Copy::new();
    let (audit, checkpoints) = (
        copy.dir.path().join("audit"),
        copy.dir.path().join("checkpoints"),
    );
    let auditors = WRITTEN.auditors();
    let domain = WRITTEN.service.trust_domain();
    let found = |domain: &TrustDomain, service: Option<&SpiffeId>| {
        let report = verify(&audit, &checkpoints, &auditors, domain, service).unwrap();
        report
            .findings
            .into_iter()
            .next()
            .map(|finding| finding.problem)
    };
    assert_eq!(found(&domain, None), None);
    assert_eq!(
        found(&domain.beside(Layer::Process), Some(&WRITTEN.service)),
        None
    );
    let test = trust_domain(Layer::System, strata_config::Environment::Test).unwrap();
    assert!(matches!(found(&test, None), Some(Problem::Foreign { .. })));
    let other = domain.workload("other").unwrap();
    assert!(matches!(
        found(&domain, Some(&other)),
        Some(Problem::Foreign { .. })
    ));
}

#[test]
fn a_clock_that_steps_back_is_a_remark() {
    const MINUTE: i64 = 60_000_000_000;
    // Killed before the next checkpoint.
    let by = |step: i64| {
        let copy = Copy::new();
        fs::remove_file(copy.files("checkpoints", "checkpoints").pop().unwrap()).unwrap();
        let file = copy.trail().pop().unwrap();
        let (middle, ..) = entries(&file)[10];
        change(&file, |bytes| {
            *bytes = rewritten(bytes, |item| {
                let step = if item.sequence < middle { 0 } else { step };
                item.time = item.time.checked_add_signed(step).unwrap();
            });
        });
        copy.verify()
    };
    let report = by(-MINUTE);
    assert!(report.is_sound(), "{report:?}");
    assert!(
        report.remarks[0].contains("stepped back 1 times"),
        "{report:?}"
    );
    assert_eq!(report.records, 60);
    // Threads that record at once look at it in another order.
    let report = by(-1_000_000);
    let [remark] = report.remarks.as_slice() else {
        panic!("{report:?}")
    };
    assert!(remark.contains("not vouched for yet"), "{report:?}");
    // What was changed here is after the last that counts as vouched for.
    assert!(report.vouched.unwrap() < report.entries.unwrap().1);
    // A minute that nobody vouches for is not told from a step.
    assert_eq!(by(MINUTE).findings[0].problem, Problem::Unvouched);
}

#[test]
fn nothing_is_read_from_what_is_no_trail() {
    let copy = Copy::new();
    let file = copy.trail().remove(1);
    for bytes in [vec![0; 4096], vec![0xff; 4096], b"no trail".to_vec()] {
        fs::write(&file, bytes).unwrap();
        assert!(!copy.verify().is_sound());
    }
}
