//! What answers tell: no more than their contract, and nothing of the inside.

use anyhow::Result;
use http::{Method, StatusCode, header::CONTENT_TYPE};
use serde_json::Value;
use url::form_urlencoded::byte_serialize;

use crate::attack::{
    contract::Route,
    fields::undeclared,
    probe::{Family, Probe, Severity, Verdict},
    scene::{Answer, Scene},
};

pub(super) const FAMILY: Family = Family {
    name: "answers",
    at_once: false,
    probes: &[
        Probe {
            id: "answers.fields",
            name: "members of answers that the contract does not have",
            severity: Severity::High,
            rows: &["Z4", "API3"],
            shows: "more is answered than was decided on",
            remedy: "answer the messages of the contract alone, and mask them to their reader",
            run: |scene| Box::pin(fields(scene)),
        },
        Probe {
            id: "answers.ends",
            name: "the headers that the contract promises, such as when a method ends",
            severity: Severity::Low,
            rows: &["Z10", "API9"],
            shows: "clients are not told what the contract says they are",
            remedy: "keep DeprecationLayer around the routes, and deploy the contract that is documented",
            run: |scene| Box::pin(ends(scene)),
        },
        Probe {
            id: "answers.problems",
            name: "refusals that are no problem documents, or tell of the inside",
            severity: Severity::Medium,
            rows: &["S3", "API8"],
            shows: "a refusal tells of code, stores or services, or is of no form that clients know",
            remedy: "refuse by an ErrorCode, whose text is safe (RFC 9457)",
            run: |scene| Box::pin(problems(scene)),
        },
        Probe {
            id: "answers.query",
            name: "what is meant for an interpreter, in the query",
            severity: Severity::High,
            rows: &["S3", "API8"],
            shows: "a text from the query is read as something else than a text",
            remedy: "bind every value, escape patterns, and bound texts in the contract",
            run: |scene| Box::pin(query(scene)),
        },
        Probe {
            id: "answers.path",
            name: "what is meant for an interpreter, in the path",
            severity: Severity::High,
            rows: &["S3", "API8"],
            shows: "a text from the path is read as something else than a text",
            remedy: "bind every value, and take no path from a request",
            run: |scene| Box::pin(path(scene)),
        },
        Probe {
            id: "answers.unknown",
            name: "a parameter that no route has",
            severity: Severity::Low,
            rows: &["API3"],
            shows: "what is not understood is passed over, so that a mistake or a probe goes unseen",
            remedy: "refuse unknown parameters with 400",
            run: |scene| Box::pin(unknown(scene)),
        },
    ],
};

/// Texts for databases, shells, templates, file systems and logs.
const MEANT: [&str; 10] = [
    "' OR '1'='1",
    "1; DROP TABLE customers--",
    "%",
    "_",
    "../../../../etc/passwd",
    "a\0b",
    "$(id)`id`|id",
    "${jndi:ldap://localhost/a}{{7*7}}",
    "<script>alert(1)</script>",
    "a\r\nset-cookie: a=b",
];

/// A text that nothing is called.
const NONSENSE: &str = "zqxjkvbpw";

/// What only the inside knows.
const INSIDE: [&str; 15] = [
    "panicked",
    "backtrace",
    "stack trace",
    ".rs:",
    "src/",
    "root:x:",
    "spiffe://",
    "sqlx",
    "sqlite",
    "syntax error",
    "select ",
    "traceback",
    "exception",
    "connection refused",
    "127.0.0.1:",
];

/// The folders at the root of a machine in which programs and people have their files.
const FOLDERS: [&str; 3] = ["home", "root", "usr"];

/// What of the inside a refusal tells.
fn inside(answer: &Answer) -> Option<&'static str> {
    let text = answer.text().to_lowercase();
    let names_a_file = |folder: &&&str| text.contains(&format!("/{folder}/"));
    let mut found = INSIDE.iter().filter(|word| text.contains(**word));
    let found = found.next().or_else(|| FOLDERS.iter().find(names_a_file));
    found.copied().filter(|_| !answer.status.is_success())
}

async fn fields(scene: &Scene) -> Result<Verdict> {
    for route in scene.contract.reads().filter(|route| route.ids.is_empty()) {
        let answer = scene.get(&route.path).await?;
        let Some((schema, document)) = route.answer(answer.status) else {
            continue;
        };
        // A line each where it is a stream.
        let values = serde_json::Deserializer::from_slice(&answer.body).into_iter::<Value>();
        for value in values.filter_map(Result::ok) {
            let more = undeclared(&value, schema, document);
            if let Some(member) = more.first() {
                return Ok(Verdict::Found(format!(
                    "GET {} answers {member}, which its contract does not have",
                    route.path
                )));
            }
        }
    }
    Ok(Verdict::Passed)
}

async fn ends(scene: &Scene) -> Result<Verdict> {
    /// These have probes of their own.
    const OTHERS: [&str; 4] = [
        "Cache-Control",
        "Content-Security-Policy",
        "Strict-Transport-Security",
        "X-Content-Type-Options",
    ];
    let mut promised = 0;
    for route in scene.contract.reads().filter(|route| route.ids.is_empty()) {
        let answer = scene.get(&route.path).await?;
        for (name, says) in route.headers(answer.status) {
            if OTHERS.contains(&name) {
                continue;
            }
            promised += 1;
            let said = answer.header(name);
            if said.is_none() || says.is_some_and(|says| said != Some(says)) {
                return Ok(Verdict::Found(format!(
                    "GET {} says {name}: {}",
                    route.path,
                    said.unwrap_or("nothing")
                )));
            }
        }
    }
    Ok(match promised {
        0 => Verdict::NotApplicable("the contract promises none"),
        _ => Verdict::Passed,
    })
}

async fn problems(scene: &Scene) -> Result<Verdict> {
    let (route, _) = scene.honest().await?;
    let unknown = format!("{}?strata-attack=1", route.path);
    let refusals = [
        scene.get_with(&route.path, &[]).await?,
        scene.get(scene.nowhere()).await?,
        scene.get(&unknown).await?,
        scene
            .get_with(&route.path, &[("authorization", "Bearer token")])
            .await?,
        scene.send(&Method::DELETE, &route.path, &[], "").await?,
    ];
    for refusal in refusals.iter().filter(|it| !it.status.is_success()) {
        let status = refusal.status;
        let kind = refusal.header(CONTENT_TYPE.as_str()).unwrap_or("nothing");
        let body = refusal.json().unwrap_or_default();
        if kind != "application/problem+json"
            || body.get("status").is_none_or(|it| *it != status.as_u16())
        {
            return Ok(Verdict::Found(format!("an answer {status} is {kind}")));
        }
        if let Some(word) = inside(refusal) {
            return Ok(Verdict::Found(format!("an answer {status} says {word:?}")));
        }
    }
    Ok(Verdict::Passed)
}

async fn query(scene: &Scene) -> Result<Verdict> {
    let routes = scene.contract.reads();
    let routes: Vec<_> = routes
        .filter(|route| route.ids.is_empty() && !route.texts.is_empty())
        .collect();
    if routes.is_empty() {
        return Ok(Verdict::NotApplicable("no route takes a text in its query"));
    }
    for route in routes {
        for name in &route.texts {
            let at = |text: &str| {
                let text: String = byte_serialize(text.as_bytes()).collect();
                format!("{}?{name}={text}", route.path)
            };
            let nothing = scene.get(&at(NONSENSE)).await?;
            for text in MEANT {
                let answer = scene.get(&at(text)).await?;
                // A search may take any text: it must then find as little as nonsense does.
                let as_text = answer.content() == nothing.content();
                if let Some(seen) = misread(&answer, as_text) {
                    return Ok(Verdict::Found(told(route, name, text, &seen)));
                }
            }
        }
    }
    Ok(Verdict::Passed)
}

async fn path(scene: &Scene) -> Result<Verdict> {
    let routes = scene.contract.reads();
    let routes: Vec<_> = routes.filter(|route| !route.ids.is_empty()).collect();
    if routes.is_empty() {
        return Ok(Verdict::NotApplicable("no route takes a text in its path"));
    }
    for route in routes {
        for text in MEANT {
            let ids = route.ids.iter().map(|name| (name.clone(), text.to_owned()));
            let Some(at) = route.at(&ids.collect()) else {
                continue;
            };
            let answer = scene.get(&at).await?;
            if let Some(seen) = misread(&answer, false) {
                return Ok(Verdict::Found(told(route, "the path", text, &seen)));
            }
        }
    }
    Ok(Verdict::Passed)
}

/// What shows that a text was not taken as one.
fn misread(answer: &Answer, as_text: bool) -> Option<String> {
    let refused = [
        StatusCode::BAD_REQUEST,
        StatusCode::FORBIDDEN,
        StatusCode::NOT_FOUND,
    ];
    if let Some(word) = inside(answer) {
        return Some(format!("answers {} and says {word:?}", answer.status));
    }
    if answer.headers.contains_key("set-cookie") {
        return Some("becomes a header of the answer".to_owned());
    }
    let taken = refused.contains(&answer.status) || (answer.status == StatusCode::OK && as_text);
    (!taken).then(|| format!("answers {}", answer.status))
}

fn told(route: &Route, place: &str, text: &str, seen: &str) -> String {
    format!("GET {}: {text:?} in {place} {seen}", route.path)
}

async fn unknown(scene: &Scene) -> Result<Verdict> {
    let (route, _) = scene.honest().await?;
    let answer = scene
        .get(&format!("{}?strata-attack=1", route.path))
        .await?;
    let passed_over = answer.status != StatusCode::BAD_REQUEST;
    Ok(Verdict::unless(passed_over.then(|| {
        format!(
            "GET {} with an unknown parameter answers {}",
            route.path, answer.status
        )
    })))
}
