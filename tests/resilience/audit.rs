//! Services that are killed while they record.

use strata_tests::{Rig, trail};

/// How often.
const KILLS: u64 = 20;
/// Answers after which each is, at an average: some 50,000 in all.
const ANSWERS: u64 = 2_500;
/// Decisions that must be in the trails in the end. Each answer is one of the Experience API and one of the
/// System API.
const DECISIONS: u64 = 50_000;

pub(crate) async fn what_was_answered_outlives_twenty_kills(rig: &mut Rig) {
    let outlived = trail::outlives_kills(rig, KILLS, ANSWERS).await.unwrap();
    println!("{KILLS} kills: {outlived:?}");
    assert!(outlived.decisions >= DECISIONS, "{outlived:?}");
}
