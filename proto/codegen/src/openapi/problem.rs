//! What a client gets instead of an answer: problem details (RFC 9457) as `strata_rest` writes them,
//! one response for each status.

use serde_json::{Map, Value, json};
use strata_core::ErrorCode;

use super::insert;
use crate::{
    deprecation::{self, Deprecation},
    route::{Body, Route, Verb},
};

/// The name of the problem's schema: no message of a contract can have it.
pub(super) const SCHEMA: &str = "strata.Problem";

/// Statuses that say more than their code (`strata_rest::Problem::new`).
const BODY: [(u16, &str, &str); 2] = [
    (
        413,
        "Payload Too Large",
        "The body is larger than this API takes.",
    ),
    (
        415,
        "Unsupported Media Type",
        "The body is not `application/json`, or it is encoded (`content-encoding`).",
    ),
];
/// Answered by HTTP itself, before there is a request to speak of.
const HEAD: (u16, &str) = (431, "RequestHeaderFieldsTooLarge");

/// What each code says to a client.
const fn about(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::InvalidArgument => {
            "The request is not valid. `errors` names each wrong field where it can be told."
        }
        ErrorCode::Unauthenticated => "There is no valid access token.",
        ErrorCode::PermissionDenied => {
            "The token lacks a scope of this operation, or its user may not do that."
        }
        ErrorCode::NotFound => "There is no such resource, or none that this user may see.",
        ErrorCode::Conflict => {
            "The resource has changed meanwhile, or the idempotency key was used for something else."
        }
        ErrorCode::ResourceExhausted => "A limit is used up: retry later.",
        ErrorCode::DeadlineExceeded => "The request took too long.",
        ErrorCode::Unavailable => "The service, or one it needs, is not available: retry later.",
        ErrorCode::Unimplemented => "A service that is needed does not know the method (yet).",
        ErrorCode::Gone => {
            "The operation is past the date in `Sunset` and is served no longer: use what replaces it."
        }
        ErrorCode::Internal => "An internal error. Quote `trace_id` when you report it.",
    }
}

/// The references of the problems, by status, of an operation that `ends` on a date or does not.
pub(super) fn of(route: &Route, ends: bool) -> Map<String, Value> {
    let codes = ErrorCode::ALL.into_iter().filter(|code| match code {
        ErrorCode::Conflict => route.verb != Verb::Get,
        ErrorCode::Gone => ends,
        _ => true,
    });
    let mut known: Vec<(u16, String)> = codes
        .map(|code| (code.http().as_u16(), name(title(code))))
        .collect();
    if !matches!(route.body, Body::None) {
        known.extend(BODY.map(|(status, title, _)| (status, name(title))));
    }
    known.push((HEAD.0, HEAD.1.to_owned()));
    known.sort();
    known
        .into_iter()
        .map(|(status, name)| {
            let reference = json!({"$ref": format!("#/components/responses/{name}")});
            (status.to_string(), reference)
        })
        .collect()
}

fn title(code: ErrorCode) -> &'static str {
    code.http().canonical_reason().unwrap_or("Error")
}

/// A response's name in the document.
fn name(title: &str) -> String {
    title.replace(' ', "")
}

/// Every response of [`of`].
pub(super) fn responses() -> Map<String, Value> {
    let mut responses: Vec<(u16, String, Value)> = ErrorCode::ALL
        .into_iter()
        .map(|code| {
            let status = code.http().as_u16();
            let mut response = response(status, title(code), code, about(code));
            let challenge = match code {
                ErrorCode::Unauthenticated => Some(challenge(true)),
                // Not when it is a service further down that refuses the user.
                ErrorCode::PermissionDenied => Some(challenge(false)),
                _ => None,
            };
            if let (Some(challenge), Some(headers)) = (challenge, response.get_mut("headers")) {
                insert(headers, "WWW-Authenticate", challenge);
            }
            if let (ErrorCode::Gone, Some(headers)) = (code, response.get_mut("headers")) {
                for name in [DEPRECATION, SUNSET] {
                    let header = json!({"required": true, "schema": {"type": "string"}});
                    insert(headers, name, header);
                }
            }
            (status, name(title(code)), response)
        })
        .collect();
    responses.extend(BODY.map(|(status, title, about)| {
        let response = response(status, title, ErrorCode::InvalidArgument, about);
        (status, name(title), response)
    }));
    let about = "The request's head is too large. Answered without content.";
    responses.push((HEAD.0, HEAD.1.to_owned(), json!({"description": about})));
    responses.sort_by_key(|(status, ..)| *status);
    responses
        .into_iter()
        .map(|(_, name, response)| (name, response))
        .collect()
}

fn response(status: u16, title: &str, code: ErrorCode, about: &str) -> Value {
    json!({
        "description": about,
        "headers": references(),
        "content": {
            "application/problem+json": {
                "schema": {"$ref": format!("#/components/schemas/{SCHEMA}")},
                "example": {
                    "type": "about:blank",
                    "title": title,
                    "status": status,
                    "code": code.as_str(),
                    "detail": code.safe_message(),
                    "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736"
                }
            }
        }
    })
}

/// What the edge sets on every answer (`shared/service/src/stack/edge.rs`).
const HARDENING: [(&str, &str); 4] = [
    ("Cache-Control", "no-store"),
    (
        "Content-Security-Policy",
        "default-src 'none'; frame-ancestors 'none'",
    ),
    ("Strict-Transport-Security", "max-age=31536000"),
    ("X-Content-Type-Options", "nosniff"),
];

/// The headers of every answer of the edge.
pub(super) fn references() -> Map<String, Value> {
    HARDENING
        .iter()
        .map(|(name, _)| {
            let reference = json!({"$ref": format!("#/components/headers/{name}")});
            ((*name).to_owned(), reference)
        })
        .collect()
}

/// Every header of the document.
pub(super) fn headers() -> Map<String, Value> {
    HARDENING
        .iter()
        .map(|(name, value)| {
            let header = json!({"required": true, "schema": {"type": "string", "const": value}});
            ((*name).to_owned(), header)
        })
        .collect()
}

/// Since when it is deprecated (RFC 9745).
const DEPRECATION: &str = "Deprecation";
/// From when on it is gone (RFC 8594).
const SUNSET: &str = "Sunset";

/// The headers of an operation that is deprecated.
pub(super) fn ending(of: Deprecation) -> impl Iterator<Item = (String, Value)> {
    let deprecation = (DEPRECATION, deprecation::header(of.since));
    let sunset = of.sunset.map(|date| (SUNSET, deprecation::http_date(date)));
    let headers = [deprecation].into_iter().chain(sunset);
    headers.map(|(name, value)| {
        let header = json!({"required": true, "schema": {"type": "string", "const": value}});
        (name.to_owned(), header)
    })
}

/// What is asked of the client's token.
fn challenge(required: bool) -> Value {
    json!({
        "description": "What is wrong with the token (RFC 6750, section 3).",
        "required": required,
        "schema": {"type": "string", "pattern": "^Bearer"}
    })
}

/// The schema of a problem.
pub(super) fn schema() -> Value {
    let codes = ErrorCode::ALL.map(ErrorCode::as_str);
    json!({
        "type": "object",
        "description": "What is wrong, as problem details (RFC 9457).",
        "properties": {
            "type": {"type": "string", "const": "about:blank", "description": "The status says it all."},
            "title": {"type": "string", "description": "The status in words."},
            "status": {"type": "integer", "description": "The status."},
            "code": {"type": "string", "enum": codes, "description": "The kind of problem, for programs."},
            "detail": {"type": "string", "description": "A sentence for people."},
            "trace_id": {
                "type": "string",
                "pattern": "^[0-9a-f]{32}$",
                "description": "The trace of the request, to quote in a report."
            },
            "errors": {
                "type": "array",
                "description": "The wrong fields of the request.",
                "items": {
                    "type": "object",
                    "properties": {
                        "path": {"type": "string", "description": "Where it stands: `lines[2].quantity`."},
                        "message": {"type": "string", "description": "What it must be."}
                    },
                    "required": ["path", "message"]
                }
            }
        },
        "required": ["type", "title", "status", "code", "detail", "trace_id"]
    })
}
