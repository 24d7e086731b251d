//! Requests bound to their messages, and messages by the protobuf JSON mapping.

use std::{future::poll_fn, pin::pin, sync::Arc, time::Instant};

use anyhow::{Context as _, Result, ensure};
use axum::{Router, body::Body, extract::Request};
use futures_util::{FutureExt as _, StreamExt as _, stream};
use http::{HeaderValue, Method, StatusCode, Uri, header};
use http_body_util::BodyExt as _;
use prost::Message;
use proto_experience_storefront::{v1, v2};
use proto_experience_support_desk::v1 as desk;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use strata_core::{Bounded, Call, Caller, Classified, Clearance, Error, ErrorCode, TraceContext};
use strata_release::{NoTokens, Release};
use strata_rest::Messages;
use tower::ServiceExt as _;

use crate::{Target, Verdict};

/// The first byte of an input says what the rest is: a request (`h`: method and target on a line, the
/// type of the body on the next, then the body), or a message, in JSON (`j`) or protobuf (`p`), whose
/// type the next byte chooses.
pub struct Json {
    router: Router,
}

/// A word that is a secret wherever it is part of a value.
const SECRET: &str = "mauve";

impl Target for Json {
    const NAME: &'static str = "json";

    fn new() -> Result<Self> {
        let storefront = v1::routes(Echo).merge(v2::routes(Echo)).into_router();
        let router = storefront.nest("/desk", desk::routes(Echo).into_router());
        Ok(Self { router })
    }

    fn honest(&self) -> Result<Vec<Vec<u8>>> {
        let change = r#"{"email":"ann@example.com","idempotencyKey":"k-1"}"#;
        let order = r#"{"orderId":"o-1","status":"ORDER_STATUS_PAID","placedAt":"2026-11-29T12:00:00.5Z","currency":"GBP","totalMinor":"-25990","lines":[{"sku":"a","quantity":2,"unitPriceMinor":"9223372036854775807"}]}"#;
        let overview = format!(
            r#"{{"profile":{{"fullName":"Ann Other","loyaltyTier":"LOYALTY_TIER_GOLD","marketingEmail":true}},"recentOrders":[{order}]}}"#
        );
        let parsed: v1::GetMyOverviewResponse = serde_json::from_str(&overview)?;
        Ok(vec![
            b"hGET /v1/me/overview\n\n".to_vec(),
            b"hGET /v1/me/orders?pageSize=20&page_token=abc\n\n".to_vec(),
            b"hGET /v2/me/orders?page_size=1\n\n".to_vec(),
            b"hGET /v1/me/orders.ndjson\n\n".to_vec(),
            b"hGET /desk/v1/customers/cus%5F1/overview\n\n".to_vec(),
            b"hGET /desk/v1/customers?query=ann%20o&pageSize=5\n\n".to_vec(),
            format!("hPATCH /v1/me/contact\napplication/json\n{change}").into_bytes(),
            format!("j\u{0}{overview}").into_bytes(),
            format!("j\u{1}{change}").into_bytes(),
            [b"p\x00".as_slice(), &parsed.encode_to_vec()].concat(),
        ])
    }

    fn check(&self, input: &[u8]) -> Result<Verdict> {
        let [kind, rest @ ..] = input else {
            return Ok(Verdict::Refused);
        };
        match (kind, rest) {
            (b'h', rest) => self.request(rest),
            (b'j', [of, rest @ ..]) => message(*of, Form::Json, rest),
            (b'p', [of, rest @ ..]) => message(*of, Form::Protobuf, rest),
            _ => Ok(Verdict::Refused),
        }
    }
}

impl Json {
    fn request(&self, input: &[u8]) -> Result<Verdict> {
        let mut lines = input.splitn(3, |byte| *byte == b'\n');
        let (first, kind) = (lines.next().unwrap_or_default(), lines.next());
        let sent = lines.next().unwrap_or_default();
        let Some(request) = request(first, kind.unwrap_or_default(), sent) else {
            return Ok(Verdict::Refused);
        };
        let shows = request.uri().to_string();
        let has_body = request.method() != Method::HEAD;
        let release = Arc::new(Release::new(everything(), everything(), Arc::new(NoTokens)));
        let mut answer = pin!(async {
            let response = self.router.clone().oneshot(request).await?;
            let (head, body) = response.into_parts();
            let body = body.collect().await?.to_bytes();
            Ok::<_, anyhow::Error>((head, body))
        });
        let answered = poll_fn(|cx| release.enter(|| answer.as_mut().poll(cx))).now_or_never();
        let (head, body) = answered.context("it waits for what is there")??;
        let status = head.status;
        ensure!(!status.is_server_error(), "{status}: {}", text(&body));
        if status == StatusCode::OK {
            let lines = text(&body);
            for line in lines.lines() {
                serde_json::from_str::<Value>(line)?;
            }
            return Ok(Verdict::Accepted);
        }
        if !has_body {
            return Ok(Verdict::Refused);
        }
        let problem: Value = serde_json::from_slice(&body)?;
        ensure!(
            head.headers
                .get(header::CONTENT_TYPE)
                .is_some_and(|it| it == "application/problem+json")
        );
        ensure!(problem["code"].is_string() && problem["status"] == status.as_u16());
        // What is named comes from the query or is a member; a value is neither.
        let may_show = shows.contains('%') || shows.contains(SECRET) || named(sent);
        ensure!(
            may_show || !text(&body).contains(SECRET),
            "a value is shown: {}",
            text(&body)
        );
        Ok(Verdict::Refused)
    }
}

fn text(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

/// Whether a member of the document could be called like the secret.
fn named(document: &[u8]) -> bool {
    fn within(value: &Value) -> bool {
        match value {
            Value::Object(members) => members
                .iter()
                .any(|(name, value)| name.contains(SECRET) || within(value)),
            Value::Array(items) => items.iter().any(within),
            _ => false,
        }
    }
    // What is no JSON is named by line and column alone, but a member before the fault may be refused first.
    serde_json::from_slice(document).map_or(true, |value| within(&value))
}

fn request(line: &[u8], kind: &[u8], sent: &[u8]) -> Option<Request> {
    let line = std::str::from_utf8(line).ok()?;
    let (method, target) = line.split_once(' ')?;
    let mut request = Request::builder()
        .method(method.parse::<Method>().ok()?)
        .uri(target.parse::<Uri>().ok()?)
        .extension(call());
    if !kind.is_empty() {
        request = request.header(header::CONTENT_TYPE, HeaderValue::from_bytes(kind).ok()?);
    }
    request.body(Body::from(sent.to_owned())).ok()
}

fn call() -> Call {
    Call {
        caller: Caller::Edge,
        principal: None,
        credential: None,
        objects: None,
        deadline: Instant::now(),
        trace: TraceContext {
            trace_id: 1,
            span_id: 1,
            sampled: false,
        },
    }
}

fn everything() -> Clearance {
    use strata_core::{Category, Label, Sensitivity};
    Clearance(Label::new(Sensitivity::Restricted, &Category::ALL))
}

/// The service behind the routes: it looks at what it was bound to.
struct Echo;

/// What reaches a handler is within its contract's limits, and is the same again in JSON.
fn bound<T, R: Default>(message: &T) -> Result<R, Error>
where
    T: Bounded + Message + Default + PartialEq + Serialize + DeserializeOwned,
{
    let sound = message.check().is_ok() && same_in_json(message).is_ok_and(|same| same);
    let wrong = || Error::new(ErrorCode::Internal, "it was bound to another");
    sound.then(R::default).ok_or_else(wrong)
}

impl v1::StorefrontService for Echo {
    async fn get_my_overview(
        &self,
        _: Call,
        request: v1::GetMyOverviewRequest,
    ) -> Result<v1::GetMyOverviewResponse, Error> {
        bound(&request)
    }

    async fn list_my_orders(
        &self,
        _: Call,
        request: v1::ListMyOrdersRequest,
    ) -> Result<v1::ListMyOrdersResponse, Error> {
        bound(&request)
    }

    async fn update_my_contact(
        &self,
        _: Call,
        request: v1::UpdateMyContactRequest,
    ) -> Result<v1::UpdateMyContactResponse, Error> {
        bound(&request)
    }

    async fn stream_my_orders(
        &self,
        _: Call,
        request: v1::StreamMyOrdersRequest,
    ) -> Result<Messages<v1::Order>, Error> {
        let order = bound(&request)?;
        Ok(stream::iter([Ok(order)]).boxed())
    }
}

impl v2::StorefrontService for Echo {
    async fn list_my_orders(
        &self,
        _: Call,
        request: v2::ListMyOrdersRequest,
    ) -> Result<v2::ListMyOrdersResponse, Error> {
        bound(&request)
    }
}

impl desk::SupportDeskService for Echo {
    async fn get_customer_overview(
        &self,
        _: Call,
        request: desk::GetCustomerOverviewRequest,
    ) -> Result<desk::GetCustomerOverviewResponse, Error> {
        bound(&request)
    }

    async fn search_customers(
        &self,
        _: Call,
        request: desk::SearchCustomersRequest,
    ) -> Result<desk::SearchCustomersResponse, Error> {
        bound(&request)
    }
}

#[derive(Clone, Copy)]
enum Form {
    Json,
    Protobuf,
}

fn message(of: u8, form: Form, input: &[u8]) -> Result<Verdict> {
    match of % 6 {
        0 => round_trip::<v1::GetMyOverviewResponse>(form, input),
        1 => round_trip::<v1::UpdateMyContactRequest>(form, input),
        2 => round_trip::<v1::ListMyOrdersResponse>(form, input),
        3 => round_trip::<v2::ListMyOrdersResponse>(form, input),
        4 => round_trip::<desk::GetCustomerOverviewResponse>(form, input),
        _ => round_trip::<desk::SearchCustomersResponse>(form, input),
    }
}

/// A message is the same again, by whichever form it goes.
fn round_trip<T>(form: Form, input: &[u8]) -> Result<Verdict>
where
    T: Message + Default + PartialEq + Serialize + DeserializeOwned + Classified,
{
    let read = match form {
        Form::Json => serde_json::from_slice::<T>(input).ok(),
        Form::Protobuf => T::decode(input).ok(),
    };
    let Some(message) = read else {
        return Ok(Verdict::Refused);
    };
    let decoded = T::decode(message.encode_to_vec().as_slice())?;
    ensure!(decoded == message, "protobuf makes another of it");
    match (form, same_in_json(&message)) {
        (_, Ok(same)) => ensure!(same, "JSON makes another of it"),
        (Form::Json, Err(error)) => return Err(error.context("what was JSON has no JSON form")),
        // Of an enum that this version does not know, or a time that RFC 3339 has no words for.
        (Form::Protobuf, Err(_)) => return Ok(Verdict::Refused),
    }
    Ok(Verdict::Accepted)
}

/// Whether JSON gives the message again.
fn same_in_json<T: PartialEq + Serialize + DeserializeOwned>(message: &T) -> Result<bool> {
    let json = serde_json::to_vec(message)?;
    let again: T = serde_json::from_slice(&json)?;
    Ok(again == *message)
}
