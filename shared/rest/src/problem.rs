//! Errors as problem details (RFC 9457).

use std::borrow::Cow;

use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::{Serialize, Serializer, ser::SerializeMap};
use strata_core::{Error, ErrorCode, TraceContext};

/// What a client is told when its request fails: a code, a safe sentence, the trace to quote, and
/// the fields that are wrong. Written as `application/problem+json` of type `about:blank`
/// (RFC 9457, section 4.2.1), with the members `code`, `trace_id` and `errors` beside the standard
/// ones.
#[derive(Clone, Debug)]
pub struct Problem {
    status: StatusCode,
    code: ErrorCode,
    detail: Cow<'static, str>,
    trace: Option<TraceContext>,
    errors: Vec<FieldError>,
    header: Option<&'static (HeaderName, &'static str)>,
}

/// A field of the request that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// Where it stands in the request, `lines[2].quantity`.
    pub path: String,
    /// What it must be; never the value it has.
    pub message: Cow<'static, str>,
}

impl Problem {
    /// A problem whose status says more than its code: 405, 413, 415.
    #[must_use]
    pub fn new(status: StatusCode, code: ErrorCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status,
            code,
            detail: detail.into(),
            trace: None,
            errors: Vec::new(),
            header: None,
        }
    }

    /// A path that exists and does not answer the request's method. The answer must name those it
    /// answers in `allow` (RFC 9110, section 15.5.6).
    #[must_use]
    pub fn method_not_allowed() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            ErrorCode::Unimplemented,
            "this path does not answer that HTTP method: the allow header names those it answers",
        )
    }

    /// A request whose fields are wrong. The detail names each.
    #[must_use]
    pub fn fields(errors: Vec<FieldError>) -> Self {
        let detail = errors
            .iter()
            .map(|error| format!("`{}` {}", error.path, error.message))
            .collect::<Vec<_>>()
            .join("; ");
        Self {
            errors,
            ..Self::new(StatusCode::BAD_REQUEST, ErrorCode::InvalidArgument, detail)
        }
    }

    /// The same problem with a header that goes with its status, name and value.
    #[must_use]
    pub(crate) fn with_header(self, header: &'static (HeaderName, &'static str)) -> Self {
        Self {
            header: Some(header),
            ..self
        }
    }

    /// What a handler or an upstream says of a request whose `fields` have these names in the contract
    /// and in JSON. An error about one of them starts with its name in the contract, because the layers
    /// below know no other; the client knows the one in JSON.
    pub(crate) fn about(error: Error, fields: &[(&'static str, &'static str)]) -> Self {
        let message = error.message();
        let (word, rest) = message.split_once(' ').unwrap_or((message, ""));
        let Some((_, json)) = fields.iter().find(|(proto, _)| *proto == word) else {
            return error.into();
        };
        match error.code() {
            ErrorCode::InvalidArgument => Self::fields(vec![FieldError {
                path: (*json).to_owned(),
                message: rest.to_owned().into(),
            }]),
            code @ ErrorCode::Conflict => Self::new(code.http(), code, format!("`{json}` {rest}")),
            _ => error.into(),
        }
    }

    /// The same problem with the trace a client may quote.
    #[must_use]
    pub fn with_trace(self, trace: TraceContext) -> Self {
        Self {
            trace: Some(trace),
            ..self
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self::new(
            error.code().http(),
            error.code(),
            error.message().to_owned(),
        )
    }
}

impl From<ErrorCode> for Problem {
    fn from(code: ErrorCode) -> Self {
        Self::new(code.http(), code, code.safe_message())
    }
}

impl Serialize for Problem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_map(None)?;
        members.serialize_entry("type", "about:blank")?;
        members.serialize_entry("title", self.status.canonical_reason().unwrap_or("Error"))?;
        members.serialize_entry("status", &self.status.as_u16())?;
        members.serialize_entry("code", self.code.as_str())?;
        members.serialize_entry("detail", &self.detail)?;
        if let Some(trace) = self.trace {
            members.serialize_entry("trace_id", &format_args!("{:032x}", trace.trace_id))?;
        }
        if !self.errors.is_empty() {
            members.serialize_entry("errors", &self.errors)?;
        }
        members.end()
    }
}

static BEARER: (HeaderName, &str) = (header::WWW_AUTHENTICATE, "Bearer");
static LATER: (HeaderName, &str) = (header::RETRY_AFTER, "1");

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let content_type = HeaderValue::from_static("application/problem+json");
        let mut response = match serde_json::to_vec(&self) {
            Ok(body) => (self.status, [(header::CONTENT_TYPE, content_type)], body).into_response(),
            // Text and numbers always serialise; were it otherwise, the status still tells.
            Err(_) => self.status.into_response(),
        };
        let hint = match self.status {
            // RFC 9110, section 15.5.2: whoever refuses says what is asked for (RFC 6750, section 3).
            StatusCode::UNAUTHORIZED => Some(&BEARER),
            // RFC 9110, section 10.2.3: in so many seconds.
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => Some(&LATER),
            _ => self.header,
        };
        if let Some((name, value)) = hint {
            response
                .headers_mut()
                .insert(name.clone(), HeaderValue::from_static(value));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;
    use serde_json::{Value, json};

    use super::*;

    async fn parts(problem: Problem) -> (StatusCode, String, Value) {
        let response = problem.into_response();
        let status = response.status();
        let kind = response.headers()[header::CONTENT_TYPE]
            .to_str()
            .unwrap()
            .to_owned();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, kind, serde_json::from_slice(&body).unwrap())
    }

    #[tokio::test]
    async fn an_error_becomes_problem_details() {
        let trace = TraceContext {
            trace_id: 0xabc,
            span_id: 1,
            sampled: false,
        };
        let error = Error::new(ErrorCode::NotFound, "there is no such order");
        let (status, kind, body) = parts(Problem::from(error).with_trace(trace)).await;
        assert_eq!(status, StatusCode::NOT_FOUND);
        assert_eq!(kind, "application/problem+json");
        assert_eq!(
            body,
            json!({
                "type": "about:blank",
                "title": "Not Found",
                "status": 404,
                "code": "NOT_FOUND",
                "detail": "there is no such order",
                "trace_id": "00000000000000000000000000000abc",
            })
        );
    }

    #[tokio::test]
    async fn every_code_has_its_status_and_safe_sentence() {
        for code in ErrorCode::ALL {
            let (status, _, body) = parts(code.into()).await;
            assert_eq!(status, code.http());
            assert_eq!(body["status"], code.http().as_u16());
            assert_eq!(body["code"], code.as_str());
            assert_eq!(body["detail"], code.safe_message());
        }
    }

    #[tokio::test]
    async fn every_401_says_what_is_asked_for() {
        for code in ErrorCode::ALL {
            let response = Problem::from(code).into_response();
            let challenge = response.headers().get(header::WWW_AUTHENTICATE);
            let expected = (code == ErrorCode::Unauthenticated).then_some("Bearer");
            assert_eq!(challenge.map(|value| value.to_str().unwrap()), expected);
        }
    }

    #[tokio::test]
    async fn wrong_fields_are_listed_and_named_in_the_detail() {
        let errors = vec![
            FieldError {
                path: "pageSize".to_owned(),
                message: "must be a number".into(),
            },
            FieldError {
                path: "lines[2].quantity".to_owned(),
                message: "is missing".into(),
            },
        ];
        let (status, _, body) = parts(Problem::fields(errors)).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert_eq!(
            body["detail"],
            "`pageSize` must be a number; `lines[2].quantity` is missing"
        );
        assert_eq!(
            body["errors"],
            json!([
                {"path": "pageSize", "message": "must be a number"},
                {"path": "lines[2].quantity", "message": "is missing"},
            ])
        );
    }
}
