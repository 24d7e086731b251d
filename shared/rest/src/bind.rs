//! A request's path, query and body bound to its message. Every refusal names the field and what it
//! must be, and never shows the value.

use std::borrow::Cow;

use axum::{
    extract::{FromRequest, FromRequestParts, RawPathParams, Request},
    response::IntoResponse,
};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, StatusCode, Uri, header};
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use strata_core::{Bounded, ErrorCode};
use url::form_urlencoded;

use crate::{
    problem::{FieldError, Problem},
    route::{BodyBinding, Parameter, Route},
    source::{Body, Source},
};

/// The most wrong fields one answer lists.
const LISTED: usize = 10;
/// What would have been accepted (RFC 9110, section 12.5.3).
static UNCODED: (HeaderName, &str) = (header::ACCEPT_ENCODING, "identity");
/// The most characters of a field's path that an answer repeats: names come from the client too.
const SHOWN: usize = 120;

/// Binds `request` to its message, with every value within the limits of its contract.
pub(crate) async fn bind<T: DeserializeOwned + Bounded>(
    route: &'static Route,
    request: Request,
) -> Result<T, Problem> {
    let (mut parts, body) = request.into_parts();
    refuse_coded(&parts.headers)?;
    let uri = parts.uri.clone();
    let path = if route.path.is_empty() {
        None
    } else {
        // Refused when a segment is not UTF-8.
        let path = RawPathParams::from_request_parts(&mut parts, &()).await;
        Some(path.map_err(|_| invalid("the path is not valid: encode it as UTF-8"))?)
    };
    let mut given = Vec::new();
    for (name, value) in path.iter().flatten() {
        given.extend(
            route
                .path
                .iter()
                .find(|parameter| parameter.is_named(name))
                .map(|parameter| (parameter, Cow::Borrowed(value))),
        );
    }
    query(route, &uri, &mut given)?;
    let body = match route.body {
        BodyBinding::None => Bytes::new(),
        BodyBinding::Whole | BodyBinding::Field(_) => {
            require_json(&parts.headers)?;
            read(Request::from_parts(parts, body)).await?
        }
    };
    let source = Source {
        given: &given,
        body: match route.body {
            BodyBinding::None => Body::None,
            BodyBinding::Whole => Body::Whole(&body),
            BodyBinding::Field(name) => Body::Field(name, &body),
        },
    };
    let message: T =
        serde_path_to_error::deserialize(source).map_err(|error| explain(&error, &given))?;
    message.check().map_err(|excess| {
        Problem::fields(vec![FieldError {
            path: excess.json_path(),
            message: excess.limit().to_string().into(),
        }])
    })?;
    strata_release::names(&message);
    Ok(message)
}

/// Adds the query's parameters to `given`.
fn query<'a>(
    route: &'static Route,
    uri: &'a Uri,
    given: &mut Vec<(&'static Parameter, Cow<'a, str>)>,
) -> Result<(), Problem> {
    let mut errors = Vec::new();
    let mut refuse = |path: &str, message: &'static str| {
        if errors.len() < LISTED {
            errors.push(FieldError {
                path: shown(path),
                message: message.into(),
            });
        }
    };
    for (name, value) in form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()) {
        let parameter = route
            .query
            .iter()
            .find(|parameter| parameter.is_named(&name));
        match parameter {
            None => refuse(&name, "is no query parameter of this method: remove it"),
            Some(parameter)
                if !parameter.repeated && given.iter().any(|(p, _)| *p == parameter) =>
            {
                refuse(parameter.json, "is given more than once: give it once");
            }
            // The parser replaces what is not UTF-8 by this character.
            Some(parameter) if value.contains(char::REPLACEMENT_CHARACTER) => {
                refuse(parameter.json, "is not valid: encode it as UTF-8");
            }
            Some(parameter) => given.push((parameter, value)),
        }
    }
    if errors.is_empty() {
        Ok(())
    } else {
        Err(Problem::fields(errors))
    }
}

/// No body is ever unpacked, so that none is larger than it came (RFC 9110, section 15.5.16).
fn refuse_coded(headers: &HeaderMap) -> Result<(), Problem> {
    let mut codings = headers.get_all(header::CONTENT_ENCODING).iter();
    if codings.all(|coding| coding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Ok(());
    }
    let problem = Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ErrorCode::InvalidArgument,
        "the body must not be compressed: send it without content-encoding",
    );
    Err(problem.with_header(&UNCODED))
}

fn require_json(headers: &HeaderMap) -> Result<(), Problem> {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.parse::<mime::Mime>().ok());
    let is_json = kind.is_some_and(|kind| {
        kind.essence_str() == mime::APPLICATION_JSON.as_ref()
            && kind
                .get_param(mime::CHARSET)
                .is_none_or(|charset| charset == mime::UTF_8)
    });
    if is_json {
        Ok(())
    } else {
        Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            ErrorCode::InvalidArgument,
            "the body must be JSON: send content-type application/json",
        ))
    }
}

/// The body, within the limit the stack set.
async fn read(request: Request) -> Result<Bytes, Problem> {
    Bytes::from_request(request, &())
        .await
        .map_err(|rejection| match rejection.into_response().status() {
            StatusCode::PAYLOAD_TOO_LARGE => Problem::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                ErrorCode::InvalidArgument,
                "the body is too large: send less",
            ),
            _ => invalid("the body did not arrive in full: send it again"),
        })
}

/// What a client reads when the request does not fit its message. The error's own text shows
/// values, so only its kind is used.
fn explain(
    error: &serde_path_to_error::Error<serde_json::Error>,
    given: &[(&'static Parameter, Cow<'_, str>)],
) -> Problem {
    let inner = error.inner();
    if inner.classify() != Category::Data {
        let (line, column) = (inner.line(), inner.column());
        return invalid(format!(
            "the body is not valid JSON at line {line}, column {column}"
        ));
    }
    let mut path = error.path().to_string();
    let text = inner.to_string();
    let message = if let Some(name) = text.strip_prefix("duplicate field `") {
        // Found on the message, so the path ends there; the name is the contract's own.
        let name = name.split('`').next().unwrap_or_default();
        path = if at_root(&path) {
            name.to_owned()
        } else {
            format!("{path}.{name}")
        };
        "is given more than once: give it once"
    } else if at_root(&path) {
        return invalid("the body must be a JSON object");
    } else if text.starts_with("unknown field") {
        "is no field of this request: remove it"
    } else {
        let parameter = given
            .iter()
            .map(|(parameter, _)| parameter)
            .find(|parameter| path.split('[').next() == Some(parameter.json));
        parameter.map_or("has a value of the wrong type or form", |p| {
            p.kind.expectation()
        })
    };
    Problem::fields(vec![FieldError {
        path: shown(&path),
        message: message.into(),
    }])
}

/// Whether a path names the message itself.
fn at_root(path: &str) -> bool {
    path == "."
}

fn invalid(detail: impl Into<Cow<'static, str>>) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, ErrorCode::InvalidArgument, detail)
}

fn shown(path: &str) -> String {
    path.chars().take(SHOWN).collect()
}

#[cfg(test)]
mod tests;
