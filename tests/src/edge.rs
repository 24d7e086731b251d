//! An Experience API as its users see it.

use std::{net::SocketAddr, path::PathBuf};

use anyhow::{Context as _, Result};
use bytes::Bytes;
use http::{
    HeaderMap, Request, StatusCode,
    header::{AUTHORIZATION, CONTENT_TYPE},
};
use serde_json::Value;
use strata_estate::client;

/// Where it answers, and the root that vouches for it.
#[derive(Clone)]
pub struct Edge {
    url: String,
    ca: PathBuf,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body: always JSON; of lines of JSON, their array.
    pub body: Value,
}

impl Edge {
    /// The Experience API at `url`.
    #[must_use]
    pub const fn new(url: String, ca: PathBuf) -> Self {
        Self { url, ca }
    }

    /// The Experience API at another address of loopback.
    #[must_use]
    pub fn at(&self, address: SocketAddr) -> Self {
        Self {
            url: format!("https://localhost:{}", address.port()),
            ca: self.ca.clone(),
        }
    }

    /// GETs `path` with an access token.
    ///
    /// # Errors
    /// When there is no answer, or no JSON in it.
    pub async fn get(&self, path: &str, token: &str) -> Result<Answer> {
        let bearer = format!("Bearer {token}");
        self.send(path, |request| request.header(AUTHORIZATION, bearer))
            .await
    }

    /// PATCHes `path` with an access token and a JSON body.
    ///
    /// # Errors
    /// When there is no answer, or no JSON in it.
    pub async fn patch(&self, path: &str, token: &str, body: &Value) -> Result<Answer> {
        self.patch_as(path, token, body, |request| request).await
    }

    /// The same, of another form.
    ///
    /// # Errors
    /// When there is no answer, or no JSON in it.
    pub async fn patch_as(
        &self,
        path: &str,
        token: &str,
        body: &Value,
        form: impl FnOnce(http::request::Builder) -> http::request::Builder,
    ) -> Result<Answer> {
        let request = Request::patch(format!("{}{path}", self.url))
            .header(AUTHORIZATION, format!("Bearer {token}"))
            .header(CONTENT_TYPE, "application/json");
        let request = form(request).body(body.to_string().into())?;
        self.answer(request).await
    }

    /// Sends any request without a body to `path`: a GET until `form` makes it something else.
    ///
    /// # Errors
    /// When there is no answer, or no JSON in it.
    pub async fn send(
        &self,
        path: &str,
        form: impl FnOnce(http::request::Builder) -> http::request::Builder,
    ) -> Result<Answer> {
        let request = Request::get(format!("{}{path}", self.url));
        self.answer(form(request).body(Bytes::new())?).await
    }

    /// GETs what need be no JSON from `path`, without a token.
    ///
    /// # Errors
    /// When there is no answer, or no text in it.
    pub async fn text(&self, path: &str) -> Result<(StatusCode, HeaderMap, String)> {
        let request = Request::get(format!("{}{path}", self.url)).body(Bytes::new())?;
        let (head, body) = client::send(request, Some(&self.ca)).await?.into_parts();
        let text = String::from_utf8(body.to_vec())?;
        Ok((head.status, head.headers, text))
    }

    async fn answer(&self, request: Request<Bytes>) -> Result<Answer> {
        let path = request.uri().path().to_owned();
        let (head, body) = client::send(request, Some(&self.ca)).await?.into_parts();
        let lines = head.headers.get(CONTENT_TYPE);
        let body = if lines.is_some_and(|kind| kind == "application/x-ndjson") {
            let lines = serde_json::Deserializer::from_slice(&body).into_iter();
            lines.collect::<Result<_, _>>().map(Value::Array)
        } else {
            serde_json::from_slice(&body)
        };
        let body = body.with_context(|| format!("{path} answered {} and no JSON", head.status))?;
        Ok(Answer {
            status: head.status,
            headers: head.headers,
            body,
        })
    }
}

impl Answer {
    /// Whether it is a problem document (RFC 9457) of this status, with a trace id to quote.
    #[must_use]
    pub fn is_problem(&self, status: StatusCode) -> bool {
        let kind = self.headers.get("content-type");
        let trace = self.body.get("trace_id").and_then(Value::as_str);
        self.status == status
            && kind.is_some_and(|kind| kind == "application/problem+json")
            && self.body.get("status").and_then(Value::as_u64) == Some(status.as_u16().into())
            && trace.is_some_and(|trace| trace.len() == 32)
    }
}
