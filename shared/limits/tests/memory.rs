//! A million identities, and what they take. Alone in its process, whose memory it looks at.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    time::{Duration, Instant},
};

use strata_config::Rate;
use strata_limits::Buckets;

const MOST: u32 = 100_000;

/// KiB of this process in memory (proc_pid_status(5)).
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let mut words = line.unwrap().split_whitespace();
    words.nth(1).unwrap().parse().unwrap()
}

#[test]
fn a_million_identities_take_no_more_memory_than_the_cap_allows() {
    let rate = Rate {
        requests: 10,
        per: Duration::from_secs(3600),
    };
    let before = resident();
    let buckets = Buckets::new(rate, MOST as usize);
    let take = |identities: std::ops::Range<u32>| {
        let (begun, count) = (Instant::now(), identities.len());
        for at in identities {
            let _ = buckets.take(&at);
        }
        let each = begun.elapsed() / u32::try_from(count).unwrap();
        println!("{} remembered: {each:?} a decision", buckets.identities());
    };
    take(0..MOST);
    let full = resident();
    take(MOST..1_000_000);
    take(0..1_000_000);
    let after = resident();
    println!("{before} KiB, at the cap {full} KiB, after a million {after} KiB");
    assert!(buckets.identities() <= MOST as usize + 64);
    assert!(full - before < 16 << 10, "{before} to {full} KiB");
    assert!(
        after.saturating_sub(full) < 2 << 10,
        "{full} to {after} KiB"
    );
}
