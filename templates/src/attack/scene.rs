//! What probes work on.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context as _, Result, bail, ensure};
use bytes::Bytes;
use http::{
    HeaderMap, Method, Request, StatusCode,
    header::{AUTHORIZATION, CONTENT_TYPE},
};
use serde_json::Value;
use strata_config::Environment;
use strata_estate::abuse::{Held, Target, Visit};
use tokio::{
    sync::Mutex,
    time::{Instant, sleep},
};

use super::contract::{Contract, Route};

/// How long the target may take to answer honest requests again, after it was flooded.
const RECOVERY: Duration = Duration::from_secs(15);
const AGAIN: Duration = Duration::from_millis(500);

/// What differs between any two answers, and tells nothing.
const DIFFERING_HEADERS: [&str; 4] = ["date", "ratelimit", "traceparent", "x-request-id"];
const DIFFERING_MEMBERS: [&str; 3] = ["trace_id", "traceId", "instance"];

/// Whom the attack has accounts of.
pub(crate) struct Accounts {
    /// The first user, who attacks.
    pub(crate) a: Held,
    /// The second, whose things are to stay theirs.
    pub(crate) b: Held,
    /// The second again, without scopes.
    pub(crate) narrow: Option<Held>,
    /// Ids of the second's things, by the name they have in paths.
    pub(crate) ids: BTreeMap<String, String>,
    /// The issuer's public keys (RFC 7517).
    pub(crate) keys: Option<Value>,
}

/// A target and all that is known of it.
pub(crate) struct Scene {
    pub(crate) target: Target,
    pub(crate) contract: Contract,
    pub(crate) accounts: Accounts,
    pub(crate) environment: Environment,
    /// Connections on which nothing has been done yet: an address that floods gets no more of them.
    pub(crate) lines: Mutex<Vec<Visit>>,
}

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Scene {
    /// Sends any request for a path.
    pub(crate) async fn send(
        &self,
        method: &Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Result<Answer> {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (head, body) = self
            .target
            .send(request.body(body.into())?)
            .await?
            .into_parts();
        Ok(Answer {
            status: head.status,
            headers: head.headers,
            body,
        })
    }

    /// GETs a path, as the first user.
    pub(crate) async fn get(&self, path: &str) -> Result<Answer> {
        self.get_as(&self.accounts.a, path, &[]).await
    }

    /// GETs a path with further headers.
    pub(crate) async fn get_as(
        &self,
        user: &Held,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Result<Answer> {
        let bearer = bearer(user.token());
        let headers = [&[(AUTHORIZATION.as_str(), bearer.as_str())][..], headers].concat();
        self.send(&Method::GET, path, &headers, Bytes::new()).await
    }

    /// GETs a path with these headers and no token.
    pub(crate) async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Result<Answer> {
        self.send(&Method::GET, path, headers, Bytes::new()).await
    }

    /// Sends JSON to a route, as the first user.
    pub(crate) async fn put(&self, route: &Route, body: impl Into<Bytes>) -> Result<Answer> {
        self.put_as(route, &[(CONTENT_TYPE.as_str(), "application/json")], body)
            .await
    }

    /// Sends a body to a route, as the first user.
    pub(crate) async fn put_as(
        &self,
        route: &Route,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Result<Answer> {
        let bearer = bearer(self.accounts.a.token());
        let headers = [&[(AUTHORIZATION.as_str(), bearer.as_str())][..], headers].concat();
        self.send(&route.method, &route.path, &headers, body).await
    }

    /// The first route without ids that answers the first user: what every hostile form is compared with.
    ///
    /// # Errors
    /// When there is none, which says that target, document and account do not belong together.
    pub(crate) async fn honest(&self) -> Result<(&Route, Answer)> {
        let mut met = Vec::new();
        for route in self.contract.reads().filter(|route| route.ids.is_empty()) {
            let answer = self.get(&route.path).await;
            let answer = answer.with_context(|| format!("{} does not answer", route.path))?;
            if answer.status == StatusCode::OK {
                return Ok((route, answer));
            }
            met.push(format!("{} answers {}", route.path, answer.status));
        }
        ensure!(
            !met.is_empty(),
            "the contract has no GET without ids to compare anything with"
        );
        bail!(
            "the first account is answered nowhere ({}): give the token of a user who may, for this API",
            met.join(", ")
        )
    }

    /// The same, waiting until the target has got over what was done to it.
    ///
    /// # Errors
    /// As for [`Self::honest`].
    pub(crate) async fn recovered(&self) -> Result<(&Route, Answer)> {
        let until = Instant::now() + RECOVERY;
        loop {
            match self.honest().await {
                Err(error) if Instant::now() > until => return Err(error),
                Err(_) => sleep(AGAIN).await,
                honest => return honest,
            }
        }
    }

    /// A path that no route has.
    pub(crate) fn nowhere(&self) -> &'static str {
        "/strata-attack/nowhere"
    }
}

impl Answer {
    /// The body, where it is JSON.
    pub(crate) fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// A header, where there is one of that name and it is text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// All of it that would tell one case from another.
    pub(crate) fn told(&self) -> (StatusCode, BTreeMap<String, String>, String) {
        let headers = self.headers.iter();
        let headers = headers.filter(|(name, _)| !DIFFERING_HEADERS.contains(&name.as_str()));
        let headers = headers.map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes());
            (name.to_string(), value.into_owned())
        });
        (self.status, headers.collect(), self.content())
    }

    /// The body without what differs between any two.
    pub(crate) fn content(&self) -> String {
        let Some(mut body) = self.json() else {
            return self.text();
        };
        if let Some(members) = body.as_object_mut() {
            members.retain(|name, _| !DIFFERING_MEMBERS.contains(&name.as_str()));
        }
        body.to_string()
    }
}

/// The header of a token (RFC 6750, section 2.1).
pub(crate) fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}
