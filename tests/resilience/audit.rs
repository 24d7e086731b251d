//! Services that are killed while they record.

use strata_tests::{Rig, trail};

/// How often.
const KILLS: u64 = 20;
/// Requests in whose midst each is: 50,000 in all.
const REQUESTS: u64 = 2_500;

pub(crate) async fn what_was_answered_outlives_twenty_kills(rig: &mut Rig) {
    let answered = trail::outlives_kills(rig, KILLS, REQUESTS).await.unwrap();
    println!(
        "{answered} of {} were answered, and all of them are in the trails",
        KILLS * REQUESTS
    );
}
