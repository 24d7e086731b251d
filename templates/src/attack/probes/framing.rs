//! Requests whose end two servers may see in two places (RFC 9112, section 11.2): what one takes for a body
//! is another's next request.

use std::time::Duration;

use anyhow::Result;

use crate::attack::{
    probe::{Family, Probe, Severity, Verdict},
    scene::Scene,
};

pub(super) const FAMILY: Family = Family {
    name: "framing",
    at_once: false,
    probes: &[
        Probe {
            id: "framing.both",
            name: "a length and chunks in one request",
            severity: Severity::High,
            rows: &["API8"],
            shows: "a request within a request is answered",
            remedy: "refuse it, or end the connection after it (RFC 9112, section 6.1)",
            run: |scene| Box::pin(both(scene)),
        },
        Probe {
            id: "framing.lengths",
            name: "two lengths in one request",
            severity: Severity::High,
            rows: &["API8"],
            shows: "of two lengths one is chosen",
            remedy: "refuse it with 400 (RFC 9112, section 6.3)",
            run: |scene| Box::pin(lengths(scene)),
        },
        Probe {
            id: "framing.coding",
            name: "a transfer coding that only looks like chunks",
            severity: Severity::High,
            rows: &["API8"],
            shows: "a coding that is not understood is passed over",
            remedy: "refuse it with 400 or 501 (RFC 9112, section 6.1)",
            run: |scene| Box::pin(coding(scene)),
        },
        Probe {
            id: "framing.lines",
            name: "lines that end or begin as none does",
            severity: Severity::High,
            rows: &["API8"],
            shows: "a line is read that another server reads otherwise",
            remedy: "refuse it with 400 (RFC 9112, sections 2.2 and 5.1)",
            run: |scene| Box::pin(lines(scene)),
        },
    ],
};

/// For a further answer to come, or for the end.
const PATIENCE: Duration = Duration::from_secs(2);
/// Whom the request within is from: nobody, so that it is always answered by a refusal.
const WITHIN: &str = "GET /strata-attack/within HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";

/// A request without a token, with these lines in its head, and what follows it.
fn request(scene: &Scene, lines: &str, rest: &str) -> String {
    format!(
        "POST {} HTTP/1.1\r\nhost: {}\r\n{lines}\r\n{rest}",
        scene.nowhere(),
        scene.target.authority()
    )
}

/// Two honest requests in one write are two answers, so that one answer says something.
async fn honest(scene: &Scene) -> Result<Option<Verdict>> {
    let two = request(scene, "content-length: 0\r\n", WITHIN);
    let said = scene.target.say(two.as_bytes(), 2, PATIENCE).await?;
    let statuses = said.statuses;
    Ok((statuses.len() != 2).then(|| {
        Verdict::Inconclusive(format!(
            "two requests in one write are answered {statuses:?}"
        ))
    }))
}

async fn both(scene: &Scene) -> Result<Verdict> {
    if let Some(verdict) = honest(scene).await? {
        return Ok(verdict);
    }
    let rest = format!("0\r\n\r\n{WITHIN}");
    let length = format!("content-length: {}\r\n", rest.len());
    let chunks = "transfer-encoding: chunked\r\n";
    for lines in [format!("{length}{chunks}"), format!("{chunks}{length}")] {
        let request = request(scene, &lines, &rest);
        let said = scene.target.say(request.as_bytes(), 2, PATIENCE).await?;
        if said.statuses.len() > 1 {
            return Ok(Verdict::Found(format!(
                "it is answered {:?}",
                said.statuses
            )));
        }
    }
    Ok(Verdict::Passed)
}

async fn lengths(scene: &Scene) -> Result<Verdict> {
    let body = WITHIN.len();
    let lines = [
        format!("content-length: 0\r\ncontent-length: {body}\r\n"),
        format!("content-length: {body}\r\ncontent-length: 0\r\n"),
        format!("content-length: 0, {body}\r\n"),
        "content-length: +0\r\n".to_owned(),
    ];
    refused(scene, &lines).await
}

async fn coding(scene: &Scene) -> Result<Verdict> {
    let lines = ["xchunked", "chunked, identity", "gzip", "\"chunked\""];
    refused(
        scene,
        &lines.map(|coding| format!("transfer-encoding: {coding}\r\n")),
    )
    .await
}

async fn lines(scene: &Scene) -> Result<Verdict> {
    let lines = [
        "x: a\rtransfer-encoding: chunked\r\n",
        "content-length : 0\r\n",
        "x: a\r\n content-length: 0\r\n",
        "x\0: a\r\n",
        "x: a\0b\r\n",
    ];
    refused(scene, &lines.map(str::to_owned)).await
}

/// Each must be refused for its form, or end the connection, and nothing within may be answered.
async fn refused(scene: &Scene, lines: &[String]) -> Result<Verdict> {
    if let Some(verdict) = honest(scene).await? {
        return Ok(verdict);
    }
    for lines in lines {
        let request = request(scene, lines, WITHIN);
        let said = scene.target.say(request.as_bytes(), 2, PATIENCE).await?;
        let refused = match said.statuses.as_slice() {
            [] => said.closed,
            [status] => [400, 501].contains(status),
            _ => false,
        };
        if !refused {
            return Ok(Verdict::Found(format!(
                "{lines:?} is answered {:?}",
                said.statuses
            )));
        }
    }
    Ok(Verdict::Passed)
}
