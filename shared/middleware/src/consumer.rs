//! What a consumer takes of an Experience API: its plan's spike and quota, and what is left of them.
//!
//! Clients are told in the fields `RateLimit-Policy` and `RateLimit` of
//! draft-ietf-httpapi-ratelimit-headers-10, by two policies: `quota`, of a window, and `spike`, of a
//! short time.

use std::{
    collections::HashMap,
    convert::Infallible,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use strata_config::Rate;
use strata_core::{ErrorCode, TraceContext};
use strata_limits::{Bucket, Left, Quota, Redis, Refused};
use strata_policy::{Consumer, Consumers};
use strata_telemetry::{Events, SecurityEvent};
use tower::{Layer, Service};

use crate::{
    refuse::{RefusalBody, Refuse},
    who::who,
};

/// draft-ietf-httpapi-ratelimit-headers-10, section 3: the policies there are.
pub const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
/// draft-ietf-httpapi-ratelimit-headers-10, section 4: what is left.
pub const LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// Counts each request against the plan of its [`Consumer`], which the access token told. Must be
/// inside [`crate::AccessTokenLayer`].
#[derive(Clone)]
pub struct ConsumerLayer {
    accounts: Arc<HashMap<String, Account>>,
    events: Events,
}

/// What one consumer has taken.
struct Account {
    spike: Bucket,
    quota: Arc<Quota>,
    policy: HeaderValue,
}

/// A limit that is used up.
struct UsedUp {
    policy: &'static str,
    refused: Refused,
}

impl ConsumerLayer {
    /// An account for each of `consumers`. Quotas are those of all replicas where there is a `redis`.
    #[must_use]
    pub fn new(consumers: &Consumers, redis: Option<&Arc<Redis>>, events: Events) -> Self {
        let accounts = consumers.iter().map(|consumer| {
            let plan = &consumer.plan;
            let quota = match redis {
                Some(redis) => {
                    Quota::shared(plan.quota, Arc::clone(redis), consumer.client_id.clone())
                }
                None => Quota::of_this_process(plan.quota),
            };
            let account = Account {
                spike: Bucket::new(plan.spike),
                quota: Arc::new(quota),
                policy: policy(plan.quota, plan.spike),
            };
            (consumer.client_id.clone(), account)
        });
        Self {
            accounts: Arc::new(accounts.collect()),
            events,
        }
    }
}

impl<S> Layer<S> for ConsumerLayer {
    type Service = CountConsumer<S>;

    fn layer(&self, inner: S) -> Self::Service {
        CountConsumer {
            layer: self.clone(),
            inner,
        }
    }
}

/// See [`ConsumerLayer`].
#[derive(Clone)]
pub struct CountConsumer<S> {
    layer: ConsumerLayer,
    inner: S,
}

impl<S, B, R> Service<Request<B>> for CountConsumer<S>
where
    S: Service<Request<B>, Response = Response<R>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
    R: RefusalBody,
{
    type Response = Response<R>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<R>, Infallible>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let layer = self.layer.clone();
        let next = self.inner.clone();
        // The one that is ready.
        let mut inner = std::mem::replace(&mut self.inner, next);
        Box::pin(async move {
            let consumer = request.extensions().get::<Arc<Consumer>>();
            let trace = request.extensions().get::<TraceContext>().copied();
            let account = consumer.and_then(|it| layer.accounts.get(&it.client_id));
            // Without one no access token was asked for: a defect, and no open door.
            let Some(account) = account else {
                return Ok(Response::refuse(ErrorCode::Internal, trace.as_ref()));
            };
            match account.take().await {
                Ok((quota, spike)) => {
                    let mut response = inner.call(request).await?;
                    let left = format!(
                        "\"quota\";r={};t={}, \"spike\";r={spike}",
                        quota.requests, quota.seconds
                    );
                    account.tell(response.headers_mut(), left);
                    Ok(response)
                }
                Err(UsedUp { policy, refused }) => {
                    layer.events.emit(&SecurityEvent::RateLimited {
                        who: who(request.extensions()),
                        reason: policy,
                    });
                    let refusal: Response<R> =
                        Response::refuse(ErrorCode::ResourceExhausted, trace.as_ref());
                    let mut refusal = refusal.retry_after(refused);
                    let left = format!("\"{policy}\";r=0;t={}", refused.seconds());
                    account.tell(refusal.headers_mut(), left);
                    Ok(refusal)
                }
            }
        })
    }
}

impl Account {
    /// One of each: what a spike refuses costs no quota.
    async fn take(&self) -> Result<(Left, u32), UsedUp> {
        let used_up = |policy| move |refused| UsedUp { policy, refused };
        let spike = self.spike.take().map_err(used_up("spike"))?;
        let quota = self.quota.take().await.map_err(used_up("quota"))?;
        Ok((quota, spike))
    }

    fn tell(&self, headers: &mut HeaderMap, left: String) {
        headers.insert(POLICY, self.policy.clone());
        if let Ok(mut left) = HeaderValue::try_from(left) {
            // Never the same again: in HPACK's table it would push out what is (RFC 7541, section 6.2.3).
            left.set_sensitive(true);
            headers.insert(LIMIT, left);
        }
    }
}

fn policy(quota: Rate, spike: Rate) -> HeaderValue {
    let window = |per: Duration| per.as_secs().max(1);
    let text = format!(
        "\"quota\";q={};w={}, \"spike\";q={};w={}",
        quota.requests,
        window(quota.per),
        spike.requests,
        window(spike.per)
    );
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""))
}
