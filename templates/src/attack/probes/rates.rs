//! One user who asks too often.

use std::time::Duration;

use anyhow::Result;
use futures_util::future::join_all;
use http::StatusCode;
use tokio::time::{Instant, timeout};

use crate::attack::{
    consent::BURST,
    probe::{Family, Probe, Severity, Verdict},
    scene::{Scene, bearer},
};

pub(super) const FAMILY: Family = Family {
    name: "rates",
    at_once: false,
    probes: &[Probe {
        id: "rates.user",
        name: "a burst of requests of one user",
        severity: Severity::Medium,
        rows: &["R14", "API4"],
        shows: "one user may ask as often as they like, or is not told when to come back",
        remedy: "bound limits.user, and answer 429 with Retry-After",
        run: |scene| Box::pin(user(scene)),
    }],
};

/// Connections that share the burst.
const LINES: usize = 4;
const LASTING: Duration = Duration::from_secs(20);
/// Below so many answers a burst was none.
const ENOUGH: usize = 1_500;

async fn user(scene: &Scene) -> Result<Verdict> {
    let path = scene.nowhere();
    let bearer = bearer(scene.accounts.b.token());
    let request = format!(
        "GET {path} HTTP/1.1\r\nhost: {}\r\nauthorization: {bearer}\r\n\r\n",
        scene.target.authority()
    );
    let before = scene.get_as(&scene.accounts.b, path, &[]).await?;
    if before.status != StatusCode::NOT_FOUND {
        let why = format!(
            "the second account is answered {} for no route",
            before.status
        );
        return Ok(Verdict::Inconclusive(why));
    }
    let burst = request.repeat(BURST / LINES);
    let lines = (0..LINES).map(|_| {
        let said = scene
            .target
            .say(burst.as_bytes(), BURST / LINES, Duration::from_secs(2));
        timeout(LASTING, said)
    });
    let begun = Instant::now();
    let said = join_all(lines).await;
    let lasted = begun.elapsed();
    let statuses = said.into_iter().filter_map(|said| said.ok()?.ok());
    let statuses: Vec<u16> = statuses.flat_map(|said| said.statuses).collect();
    if !statuses.contains(&429) {
        let (sent, seconds) = (statuses.len(), lasted.as_secs_f32());
        return Ok(match sent {
            ENOUGH.. => Verdict::Found(format!(
                "{sent} requests in {seconds:.1} seconds were all answered"
            )),
            _ => Verdict::Inconclusive(format!(
                "only {sent} requests were answered in {seconds:.1} seconds, and none by 429"
            )),
        });
    }
    let refused = scene.get_as(&scene.accounts.b, path, &[]).await?;
    if refused.status != StatusCode::TOO_MANY_REQUESTS {
        // It may come back already: the burst was refused all the same.
        return Ok(Verdict::Passed);
    }
    let wait = refused
        .header("retry-after")
        .and_then(|wait| wait.parse::<u32>().ok());
    let untold = wait.is_none();
    Ok(Verdict::unless(
        untold.then(|| "429 without Retry-After".to_owned()),
    ))
}
