//! Real routes to a message whose serde form is that of a generated one: JSON or contract names,
//! numbers as text or number, unknown and repeated fields refused.

use std::{future::poll_fn, pin::pin, sync::Arc, time::Instant};

use axum::{body, extract::Request};
use http::{Method as HttpMethod, Response, StatusCode};
use http_body_util::BodyExt;
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use serde_json::Value;
use strata_core::{
    Bounded, Call, Caller, Classified, Clearance, Contract, Excess, Label, Layer, Method,
    Sensitivity, TraceContext,
    bounded::Field,
    masking::{Combination, Mask, Masking, Value as Described},
};
use strata_release::{NoTokens, Release};
use tower::ServiceExt;

use crate::{BodyBinding, Kind, Parameter, Route, Routes, Verb};

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Order {
    #[serde(alias = "order_id")]
    pub(crate) order_id: String,
    #[serde(alias = "page_size", deserialize_with = "number")]
    page_size: u32,
    urgent: Option<bool>,
    tags: Vec<String>,
    lines: Vec<Line>,
    ship: Option<Line>,
}

impl Bounded for Order {
    fn check(&self) -> Result<(), Excess> {
        Field::new("order_id", "orderId").text(&self.order_id, 64)?;
        Field::new("tags", "tags").items(self.tags.len(), 1_000)?;
        for (at, tag) in self.tags.iter().enumerate() {
            Field::new("tags", "tags").at(at).text(tag, 64)?;
        }
        Ok(())
    }
}

/// Its tags are internal, all else is public.
impl Classified for Order {
    const LABEL: Label = Label::new(Sensitivity::Internal, &[]);
    const COMBINATIONS: &'static [Combination] = &[];

    fn visit(&mut self, masking: &mut Masking<'_>) {
        let tags = Described {
            json: "tags",
            label: Self::LABEL,
            kind: "",
            bit: 0,
            mask: Mask::Initial,
        };
        masking.texts(&tags, &mut self.tags);
    }
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Line {
    #[serde(deserialize_with = "number")]
    quantity: u32,
}

fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Number {
        Text(String),
        Number(u32),
    }
    match Number::deserialize(deserializer)? {
        Number::Text(text) => text.parse().map_err(D::Error::custom),
        Number::Number(number) => Ok(number),
    }
}

pub(crate) struct Desk;

impl Contract for Desk {
    const LAYER: Layer = Layer::Experience;
    const SERVICE: &'static str = "desk";
    const NAME: &'static str = "experience.desk.v1.DeskService";
    const METHODS: &'static [Method] = &[METHOD];
    const POLICY_SCHEMA: &'static str = "";
}

const METHOD: Method = Method {
    name: "TakeOrder",
    path: "/v1/orders/{order_id}",
    scope: "",
    purpose: "",
    idempotent: false,
    ceiling: Label::new(Sensitivity::Internal, &[]),
    durable: false,
};
const ORDER_ID: Parameter = parameter("orderId", "order_id", Kind::Text, false);
const PAGE_SIZE: Parameter = parameter("pageSize", "page_size", Kind::Integer, false);
const URGENT: Parameter = parameter("urgent", "urgent", Kind::Boolean, false);
const TAGS: Parameter = parameter("tags", "tags", Kind::Text, true);

const fn parameter(
    json: &'static str,
    proto: &'static str,
    kind: Kind,
    repeated: bool,
) -> Parameter {
    Parameter {
        json,
        proto,
        kind,
        repeated,
    }
}

const FIELDS: &[(&str, &str)] = &[("order_id", "orderId"), ("page_size", "pageSize")];

pub(crate) static GET: Route = Route {
    verb: Verb::Get,
    template: "/v1/orders/{order_id}",
    method: METHOD,
    path: &[ORDER_ID],
    query: &[PAGE_SIZE, URGENT, TAGS],
    body: BodyBinding::None,
    fields: FIELDS,
    deprecation: None,
};
static PUT: Route = Route {
    verb: Verb::Put,
    template: "/v1/orders/{order_id}",
    method: METHOD,
    path: &[ORDER_ID],
    query: &[],
    body: BodyBinding::Whole,
    fields: FIELDS,
    deprecation: None,
};
static SHIP: Route = Route {
    verb: Verb::Post,
    template: "/v1/orders/{order_id}/ship",
    method: METHOD,
    path: &[ORDER_ID],
    query: &[URGENT],
    body: BodyBinding::Field("ship"),
    fields: FIELDS,
    deprecation: None,
};

/// Every route answers with the message it was bound to.
pub(crate) fn echo() -> Routes<Desk> {
    let handler = |_: Call, order: Order| async move { Ok(order) };
    Routes::new(1, "{}")
        .route(&GET, handler)
        .route(&PUT, handler)
        .route(&SHIP, handler)
}

fn call() -> Call {
    Call {
        caller: Caller::Edge,
        principal: None,
        credential: None,
        objects: None,
        deadline: Instant::now(),
        trace: TraceContext {
            trace_id: 0xfeed,
            span_id: 1,
            sampled: false,
        },
    }
}

pub(crate) fn request(verb: HttpMethod, uri: &str, kind: Option<&str>, text: &str) -> Request {
    let mut request = Request::builder().method(verb).uri(uri).extension(call());
    if let Some(kind) = kind {
        request = request.header("content-type", kind);
    }
    request.body(body::Body::from(text.to_owned())).unwrap()
}

async fn read(response: Response<body::Body>) -> (StatusCode, Value) {
    let status = response.status();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&bytes).unwrap_or_default())
}

pub(crate) async fn send(routes: Routes<Desk>, request: Request) -> (StatusCode, Value) {
    send_for(Sensitivity::Internal, routes, request).await
}

/// For a user who may see this much, as the stack says it around every handler and body.
pub(crate) fn cleared(sensitivity: Sensitivity) -> Arc<Release> {
    let clearance = Clearance(Label::new(sensitivity, &[]));
    Arc::new(Release::new(clearance, clearance, Arc::new(NoTokens)))
}

/// [`send`] for a user who may see this much.
pub(crate) async fn send_for(
    sensitivity: Sensitivity,
    routes: Routes<Desk>,
    request: Request,
) -> (StatusCode, Value) {
    let release = cleared(sensitivity);
    let mut answer = pin!(async {
        let response = routes.into_router().oneshot(request).await.unwrap();
        read(response).await
    });
    poll_fn(|cx| release.enter(|| answer.as_mut().poll(cx))).await
}
