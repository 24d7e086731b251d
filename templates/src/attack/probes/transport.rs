//! What is spoken on the port besides TLS 1.3.

use std::time::Duration;

use anyhow::Result;
use strata_estate::abuse::client_hello;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::timeout,
};

use crate::attack::{
    probe::{Family, Probe, Severity, Verdict},
    scene::Scene,
};

pub(super) const FAMILY: Family = Family {
    name: "transport",
    at_once: false,
    probes: &[
        Probe {
            id: "transport.old",
            name: "TLS 1.2 and lower",
            severity: Severity::High,
            rows: &["I9", "API8"],
            shows: "the server agrees on a version of TLS that is too old",
            remedy: "serve TLS 1.3 alone: the edge of shared/tls does, so look for a proxy that ends TLS",
            run: |scene| Box::pin(old(scene)),
        },
        Probe {
            id: "transport.plain",
            name: "HTTP without TLS on the port",
            severity: Severity::High,
            rows: &["I12", "API8"],
            shows: "the server answers without TLS, so that a token may be sent in the open",
            remedy: "close what does not begin with a handshake, without a redirect",
            run: |scene| Box::pin(plain(scene)),
        },
    ],
};

/// For what a server says at once.
const PATIENCE: Duration = Duration::from_secs(7);
/// Records of a handshake (RFC 8446, section 5.1).
const HANDSHAKE: u8 = 22;

async fn old(scene: &Scene) -> Result<Verdict> {
    for (version, name) in [(0x0303, "1.2"), (0x0302, "1.1"), (0x0301, "1.0")] {
        let hello = client_hello(scene.target.host(), version);
        if said(scene, &hello).await?.first() == Some(&HANDSHAKE) {
            return Ok(Verdict::Found(format!("TLS {name} is agreed on")));
        }
    }
    Ok(Verdict::Passed)
}

async fn plain(scene: &Scene) -> Result<Verdict> {
    let request = format!(
        "GET / HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n",
        scene.target.authority()
    );
    let said = said(scene, request.as_bytes()).await?;
    let said = String::from_utf8_lossy(&said);
    let answered = said.starts_with("HTTP/").then(|| {
        let line = said.lines().next().unwrap_or_default();
        format!("without TLS it answers {line:?}")
    });
    Ok(Verdict::unless(answered))
}

/// The first that comes back for bytes without TLS; nothing when the server closes or keeps silent.
async fn said(scene: &Scene, bytes: &[u8]) -> Result<Vec<u8>> {
    let mut socket = scene.target.socket().await?;
    socket.write_all(bytes).await?;
    let mut answer = vec![0; 512];
    let read = timeout(PATIENCE, socket.read(&mut answer)).await;
    answer.truncate(read.ok().and_then(Result::ok).unwrap_or_default());
    Ok(answer)
}
