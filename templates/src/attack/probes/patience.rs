//! Connections that keep the server waiting.

use std::time::Duration;

use anyhow::Result;
use strata_estate::abuse::HTTP_1_1;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, split},
    time::{Instant, sleep, timeout},
};

use crate::attack::{
    probe::{Family, Probe, Severity, Verdict},
    scene::Scene,
};

pub(super) const FAMILY: Family = Family {
    name: "patience",
    at_once: true,
    probes: &[
        Probe {
            id: "patience.handshake",
            name: "a handshake that is never completed",
            severity: Severity::Medium,
            rows: &["R6", "API4"],
            shows: "whoever begins a handshake keeps a connection for as long as they like",
            remedy: "end it by limits.handshake_timeout",
            run: |scene| Box::pin(handshake(scene)),
        },
        Probe {
            id: "patience.silence",
            name: "a connection on which nothing is asked",
            severity: Severity::Medium,
            rows: &["R7", "API4"],
            shows: "whoever says nothing keeps a connection for as long as they like",
            remedy: "end it by limits.header_timeout",
            run: |scene| Box::pin(silence(scene)),
        },
        Probe {
            id: "patience.head",
            name: "a head that comes byte by byte",
            severity: Severity::Medium,
            rows: &["R8", "API4"],
            shows: "whoever asks slowly keeps a connection for as long as they like",
            remedy: "end it by limits.header_timeout",
            run: |scene| Box::pin(head(scene)),
        },
    ],
};

/// A server may be as patient.
const PATIENCE: Duration = Duration::from_secs(20);
/// Between two bytes.
const SLOWLY: Duration = Duration::from_millis(500);

async fn handshake(scene: &Scene) -> Result<Verdict> {
    let socket = scene.target.socket().await?;
    // The head of a record of 512 bytes, and the first of them.
    outlasted(socket, &[22, 3, 1, 2, 0, 1], &[]).await
}

async fn silence(scene: &Scene) -> Result<Verdict> {
    let connection = scene.target.connect(HTTP_1_1).await?;
    outlasted(connection, &[], &[]).await
}

async fn head(scene: &Scene) -> Result<Verdict> {
    let connection = scene.target.connect(HTTP_1_1).await?;
    outlasted(connection, b"GET / HTTP/1.1\r\nhost: a\r\nx: ", b"y").await
}

/// Says `first`, and then `again` now and then: whether the server puts up with it.
async fn outlasted(
    connection: impl AsyncRead + AsyncWrite,
    first: &[u8],
    again: &[u8],
) -> Result<Verdict> {
    let (mut reader, mut writer) = split(connection);
    let begun = Instant::now();
    let end = async {
        let mut buffer = [0; 512];
        // An answer, such as 408, is followed by the end.
        while reader.read(&mut buffer).await.is_ok_and(|read| read > 0) {}
    };
    let talk = async {
        let mut said = writer.write_all(first).await.and(writer.flush().await);
        while said.is_ok() {
            sleep(SLOWLY).await;
            said = writer.write_all(again).await.and(writer.flush().await);
        }
        // Reading tells the same.
        std::future::pending::<()>().await;
    };
    let ended = timeout(PATIENCE, async {
        tokio::select! {
            () = end => {}
            () = talk => {}
        }
    });
    let open = ended.await.is_err();
    Ok(Verdict::unless(open.then(|| {
        format!(
            "the connection is open after {} seconds",
            begun.elapsed().as_secs()
        )
    })))
}
