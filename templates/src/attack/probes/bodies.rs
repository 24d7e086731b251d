//! Bodies and heads that are too large, too deep, of the wrong kind, or more than they seem. No body here is
//! whole, so none changes anything.

use std::io::Write as _;

use anyhow::Result;
use flate2::{Compression, write::GzEncoder};
use http::{
    StatusCode,
    header::{CONTENT_ENCODING, CONTENT_TYPE},
};

use crate::attack::{
    contract::Route,
    probe::{Family, Probe, Severity, Verdict},
    scene::{Answer, Scene, bearer},
};

pub(super) const FAMILY: Family = Family {
    name: "bodies",
    at_once: false,
    probes: &[
        Probe {
            id: "bodies.size",
            name: "a body of four MiB",
            severity: Severity::Medium,
            rows: &["R10", "API4"],
            shows: "a body is read without a limit, or refused after it has cost memory",
            remedy: "bound bodies by limits.body_bytes, and answer 413",
            run: |scene| Box::pin(size(scene)),
        },
        Probe {
            id: "bodies.depth",
            name: "JSON ten thousand levels deep",
            severity: Severity::Medium,
            rows: &["R12", "API4"],
            shows: "a body that says little makes the server fail",
            remedy: "bound the depth of what is read, and answer 400",
            run: |scene| Box::pin(depth(scene)),
        },
        Probe {
            id: "bodies.kind",
            name: "a body of another media type",
            severity: Severity::Low,
            rows: &["API8"],
            shows: "a body is read as JSON that does not say it is, as a form of another site may send it",
            remedy: "take application/json alone, and answer 415",
            run: |scene| Box::pin(kind(scene)),
        },
        Probe {
            id: "bodies.bomb",
            name: "a compressed body that is a thousand times as large",
            severity: Severity::Medium,
            rows: &["R11", "API4"],
            shows: "a body is unpacked",
            remedy: "unpack nothing, and answer 415",
            run: |scene| Box::pin(bomb(scene)),
        },
        Probe {
            id: "bodies.members",
            name: "members that the contract does not have",
            severity: Severity::Medium,
            rows: &["API3"],
            shows: "members that nobody declared are taken from a body",
            remedy: "refuse unknown members with 400",
            run: |scene| Box::pin(members(scene)),
        },
        Probe {
            id: "bodies.head",
            name: "a head of 128 KiB",
            severity: Severity::Medium,
            rows: &["R9", "API4"],
            shows: "heads are read without a limit",
            remedy: "bound heads, and answer 431",
            run: |scene| Box::pin(head(scene)),
        },
    ],
};

const NO_BODY: Verdict =
    Verdict::NotApplicable("no route takes a body with a member that it needs");

/// The route bodies are sent to, and what it answers to an empty object, which lacks something.
async fn honest(scene: &Scene) -> Result<Option<(&Route, Answer)>> {
    let Some(route) = scene.contract.taking() else {
        return Ok(None);
    };
    let answer = scene.put(route, "{}").await?;
    anyhow::ensure!(
        answer.status == StatusCode::BAD_REQUEST,
        "an empty body is answered {} at {}: the first account needs the scopes of that route",
        answer.status,
        route.path
    );
    Ok(Some((route, answer)))
}

fn unless(answer: &Answer, refused: StatusCode, what: &str) -> Verdict {
    let wrong = answer.status != refused;
    Verdict::unless(wrong.then(|| format!("{what} is answered {}", answer.status)))
}

async fn size(scene: &Scene) -> Result<Verdict> {
    let Some((route, honest)) = honest(scene).await? else {
        return Ok(NO_BODY);
    };
    let padded = |length: usize| format!("{{{}}}", " ".repeat(length));
    let small = scene.put(route, padded(16 * 1024)).await?;
    if small.status != honest.status {
        let why = format!("a body of 16 KiB is answered {}", small.status);
        return Ok(Verdict::Inconclusive(why));
    }
    let large = scene.put(route, padded(4 << 20)).await?;
    Ok(unless(
        &large,
        StatusCode::PAYLOAD_TOO_LARGE,
        "a body of 4 MiB",
    ))
}

async fn depth(scene: &Scene) -> Result<Verdict> {
    let Some((route, _)) = honest(scene).await? else {
        return Ok(NO_BODY);
    };
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
    let answer = scene.put(route, deep).await?;
    Ok(unless(
        &answer,
        StatusCode::BAD_REQUEST,
        "JSON 10,000 levels deep",
    ))
}

async fn kind(scene: &Scene) -> Result<Verdict> {
    let Some((route, _)) = honest(scene).await? else {
        return Ok(NO_BODY);
    };
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/xml",
    ] {
        let headers = [(CONTENT_TYPE.as_str(), kind)];
        let answer = scene.put_as(route, &headers, "{}").await?;
        if answer.status != StatusCode::UNSUPPORTED_MEDIA_TYPE {
            return Ok(unless(&answer, StatusCode::UNSUPPORTED_MEDIA_TYPE, kind));
        }
    }
    Ok(Verdict::Passed)
}

async fn bomb(scene: &Scene) -> Result<Verdict> {
    let Some((route, _)) = honest(scene).await? else {
        return Ok(NO_BODY);
    };
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&vec![b' '; 16 << 20])?;
    let headers = [
        (CONTENT_TYPE.as_str(), "application/json"),
        (CONTENT_ENCODING.as_str(), "gzip"),
    ];
    let answer = scene.put_as(route, &headers, encoder.finish()?).await?;
    Ok(unless(
        &answer,
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "a compressed body",
    ))
}

async fn members(scene: &Scene) -> Result<Verdict> {
    let Some((route, honest)) = honest(scene).await? else {
        return Ok(NO_BODY);
    };
    let answer = scene
        .put(route, r#"{"strataAttack":true,"role":"admin"}"#)
        .await?;
    // Refused for what it has, and not as an empty one is for what it lacks.
    let passed_over = answer.content() == honest.content();
    Ok(match answer.status {
        StatusCode::BAD_REQUEST if !passed_over => Verdict::Passed,
        status => Verdict::Found(format!("a body with unknown members is answered {status}")),
    })
}

async fn head(scene: &Scene) -> Result<Verdict> {
    let (route, _) = scene.honest().await?;
    let bearer = bearer(scene.accounts.a.token());
    let head = |length: usize| {
        format!(
            "GET {} HTTP/1.1\r\nhost: {}\r\nauthorization: {bearer}\r\nconnection: close\r\nx: {}\r\n\r\n",
            route.path,
            scene.target.authority(),
            "x".repeat(length)
        )
    };
    let patience = std::time::Duration::from_secs(5);
    let honest = scene.target.say(head(1).as_bytes(), 1, patience).await?;
    if honest.statuses != [200] {
        let why = format!("a small head is answered {:?}", honest.statuses);
        return Ok(Verdict::Inconclusive(why));
    }
    let said = scene
        .target
        .say(head(128 * 1024).as_bytes(), 1, patience)
        .await?;
    Ok(match said.statuses.as_slice() {
        [431] => Verdict::Passed,
        [] if said.closed => Verdict::Passed,
        statuses => Verdict::Found(format!("a head of 128 KiB is answered {statuses:?}")),
    })
}
