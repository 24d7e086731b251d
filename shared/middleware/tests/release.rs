//! What a request is answered within: of every message of it, the first and those of its body.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{convert::Infallible, sync::Arc};

use axum::body::Body;
use futures_util::stream;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use strata_config::Environment;
use strata_core::{
    Authentication, Caller, Categories, Classified, Clearance, Label, Layer, Principal,
    Sensitivity,
    masking::{Combination, Mask, Masking, Value},
};
use strata_middleware::ReleaseLayer;
use strata_telemetry::Events;
use tower::{Layer as _, ServiceExt as _, service_fn};

const INTERNAL: Label = Label::new(Sensitivity::Internal, &[]);
const CONFIDENTIAL: Label = Label::new(Sensitivity::Confidential, &[]);

struct Message {
    inner: String,
    outer: String,
}

impl Classified for Message {
    const LABEL: Label = CONFIDENTIAL;
    const COMBINATIONS: &'static [Combination] = &[];

    fn visit(&mut self, masking: &mut Masking<'_>) {
        let value = |json, label| Value {
            json,
            label,
            kind: "",
            bit: 0,
            mask: Mask::Initial,
        };
        masking.text(&value("inner", CONFIDENTIAL), &mut self.inner);
        masking.text(&value("outer", INTERNAL), &mut self.outer);
    }
}

/// A message as it goes out now.
fn message() -> String {
    let mut message = Message {
        inner: "inner".to_owned(),
        outer: "outer".to_owned(),
    };
    strata_release::answer(&mut message);
    format!("{} {}\n", message.inner, message.outer)
}

/// What goes out: one message the handler made, and two its body makes when it is sent.
async fn answered(request: Request<()>) -> String {
    let handler = service_fn(|_: Request<()>| async {
        tokio::task::yield_now().await;
        let first = stream::iter([Ok::<_, Infallible>(message())]);
        let rest = stream::unfold(0, |sent| async move {
            tokio::task::yield_now().await;
            (sent < 2).then(|| (Ok(message()), sent + 1))
        });
        let all = futures_util::StreamExt::chain(first, rest);
        Ok::<_, Infallible>(Response::new(Body::from_stream(all)))
    });
    let events = Events::new(&opentelemetry::global::meter("test"));
    let layer = ReleaseLayer::new(Arc::new(strata_release::NoTokens), events);
    let response = layer.layer(handler).oneshot(request).await.unwrap();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

fn user(sensitivity: Sensitivity) -> Arc<Principal> {
    Arc::new(Principal {
        subject: "cus_000001".to_owned(),
        roles: Vec::new(),
        scopes: Vec::new(),
        region: None,
        tenant: None,
        clearance: cleared(sensitivity),
        authentication: Authentication::default(),
    })
}

const fn cleared(sensitivity: Sensitivity) -> Clearance {
    Clearance(Label {
        sensitivity,
        categories: Categories::NONE,
    })
}

fn workload() -> Caller {
    let domain = strata_config::trust_domain(Layer::Process, Environment::Dev).unwrap();
    Caller::Workload(domain.workload("customer-overview").unwrap())
}

#[tokio::test]
async fn an_answer_is_masked_to_caller_and_user() {
    use Sensitivity::{Confidential, Internal, Public};
    for (caller, granted, user_may, shown) in [
        (
            Some(workload()),
            Some(Confidential),
            Some(Confidential),
            "inner outer",
        ),
        (Some(workload()), Some(Confidential), None, "inner outer"),
        (
            Some(workload()),
            Some(Confidential),
            Some(Internal),
            "i*** outer",
        ),
        (
            Some(workload()),
            Some(Internal),
            Some(Confidential),
            "i*** outer",
        ),
        (
            Some(workload()),
            Some(Public),
            Some(Confidential),
            "i*** o***",
        ),
        (Some(Caller::Edge), None, Some(Confidential), "inner outer"),
        (Some(Caller::Edge), None, Some(Internal), "i*** outer"),
        // Where a layer is missing, nothing is let out.
        (Some(workload()), None, Some(Confidential), "i*** o***"),
        (Some(Caller::Edge), Some(Confidential), None, "i*** o***"),
        (None, Some(Confidential), Some(Confidential), "i*** o***"),
    ] {
        let mut request = Request::new(());
        let what = format!("{caller:?} {granted:?} {user_may:?}");
        let extensions = request.extensions_mut();
        caller.map(|caller| extensions.insert(caller));
        granted.map(|granted| extensions.insert(cleared(granted)));
        user_may.map(|may| extensions.insert(user(may)));
        let expected = format!("{shown}\n").repeat(3);
        assert_eq!(answered(request).await, expected, "{what}");
    }
}
