//! What every answer tells browsers, refusals too; and which scripts may read it.

use anyhow::Result;
use http::{
    Method,
    header::{
        ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_SECURITY_POLICY,
        STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
    },
};

use crate::attack::{
    probe::{Family, Probe, Severity, Verdict},
    scene::{Answer, Scene},
};

pub(super) const FAMILY: Family = Family {
    name: "headers",
    at_once: false,
    probes: &[
        Probe {
            id: "headers.hsts",
            name: "Strict-Transport-Security on every answer",
            severity: Severity::Medium,
            rows: &["API8"],
            shows: "a browser may be led to ask without TLS (RFC 6797)",
            remedy: "send it with a max-age of at least half a year, on refusals too",
            run: |scene| Box::pin(every(scene, STRICT_TRANSPORT_SECURITY.as_str(), is_long)),
        },
        Probe {
            id: "headers.nosniff",
            name: "X-Content-Type-Options on every answer",
            severity: Severity::Low,
            rows: &["API8"],
            shows: "a browser may take an answer for what it is not",
            remedy: "send nosniff, on refusals too",
            run: |scene| {
                Box::pin(every(scene, X_CONTENT_TYPE_OPTIONS.as_str(), |it| {
                    it == "nosniff"
                }))
            },
        },
        Probe {
            id: "headers.no_store",
            name: "Cache-Control on every answer",
            severity: Severity::Medium,
            rows: &["API8"],
            shows: "what is one user's may be kept and shown to the next",
            remedy: "send no-store, on refusals too",
            run: |scene| {
                Box::pin(every(scene, CACHE_CONTROL.as_str(), |it| {
                    it.contains("no-store")
                }))
            },
        },
        Probe {
            id: "headers.csp",
            name: "Content-Security-Policy on every answer",
            severity: Severity::Low,
            rows: &["API8"],
            shows: "an answer that a browser shows may load or be framed",
            remedy: "send default-src 'none'; frame-ancestors 'none', on refusals too",
            run: |scene| Box::pin(every(scene, CONTENT_SECURITY_POLICY.as_str(), is_closed)),
        },
        Probe {
            id: "headers.cors",
            name: "scripts of origins that are not listed",
            severity: Severity::High,
            rows: &["Z11", "API8"],
            shows: "any site's scripts may read answers",
            remedy: "list origins in cors.origins, and answer no other",
            run: |scene| Box::pin(cors(scene)),
        },
    ],
};

/// Half a year, in seconds.
const LONG: u64 = 15_768_000;

fn is_long(value: &str) -> bool {
    let age = value
        .split(';')
        .find_map(|part| part.trim().strip_prefix("max-age="));
    age.and_then(|age| age.parse::<u64>().ok())
        .is_some_and(|age| age >= LONG)
}

fn is_closed(value: &str) -> bool {
    value.contains("default-src 'none'") && value.contains("frame-ancestors 'none'")
}

/// Whether each kind of answer has a header that says what it must.
async fn every(scene: &Scene, name: &str, is_right: fn(&str) -> bool) -> Result<Verdict> {
    let (route, honest) = scene.honest().await?;
    let refused = scene.get_with(&route.path, &[]).await?;
    let nowhere = scene.get(scene.nowhere()).await?;
    let wrong = |answer: &Answer| match answer.header(name) {
        Some(value) if is_right(value) => None,
        Some(value) => Some(format!("an answer {} says {name}: {value}", answer.status)),
        None => Some(format!("an answer {} is without {name}", answer.status)),
    };
    Ok(Verdict::unless(
        [honest, refused, nowhere].iter().find_map(wrong),
    ))
}

async fn cors(scene: &Scene) -> Result<Verdict> {
    let (route, _) = scene.honest().await?;
    let own = format!("https://{}.attacker.example", scene.target.host());
    for origin in ["https://attacker.example", "null", own.as_str()] {
        let origin = [("origin", origin)];
        let asked = [
            origin[0],
            ("access-control-request-method", "GET"),
            ("access-control-request-headers", "authorization"),
        ];
        let read = scene
            .get_as(&scene.accounts.a, &route.path, &origin)
            .await?;
        let refused = scene.get_with(&route.path, &origin).await?;
        let preflight = scene
            .send(&Method::OPTIONS, &route.path, &asked, "")
            .await?;
        for (answer, what) in [
            (read, "an answer"),
            (refused, "a refusal"),
            (preflight, "a preflight"),
        ] {
            if let Some(allowed) = answer.header(ACCESS_CONTROL_ALLOW_ORIGIN.as_str()) {
                return Ok(Verdict::Found(format!(
                    "{what} to {} may be read by {allowed}",
                    origin[0].1
                )));
            }
        }
    }
    Ok(Verdict::Passed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_browsers_read_them() {
        assert!(is_long("max-age=31536000; includeSubDomains"));
        assert!(!is_long("max-age=60") && !is_long("31536000"));
        assert!(is_closed("default-src 'none'; frame-ancestors 'none'"));
        assert!(!is_closed("default-src 'self'"));
    }
}
