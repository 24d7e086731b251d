//! Policies at the door: what they permit is answered, all else is refused and says nothing of why.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    convert::Infallible,
    fs,
    future::{Ready, ready},
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use http::{Request, Response};
use http_body_util::BodyExt as _;
use opentelemetry::metrics::MeterProvider as _;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use prometheus::Registry;
use strata_config::PolicyMode;
use strata_core::{
    Authentication, Caller, Clearance, ErrorCode, Label, Method, Principal, Sensitivity,
};
use strata_guard::Guard;
use strata_middleware::GuardLayer;
use strata_net::Peer;
use strata_telemetry::Events;
use tower::{Layer as _, ServiceExt as _, service_fn};

const METHOD: Method = Method {
    name: "Get",
    path: "/v1/shelf",
    purpose: "",
    scope: "shelf:read",
    idempotent: true,
    ceiling: Label::new(Sensitivity::Public, &[]),
    durable: false,
};

const SCHEMA: &str = "entity Role; entity User in [Role] = { scopes: Set<String>, region?: String, tenant?: String };\n\
    entity Workload; entity Api;\n\
    type Context = { environment: String, time: datetime, network: ipaddr };\n\
    action \"Get\" appliesTo { principal: [User], resource: [Api], context: Context };\n";

const POLICY: &str = "@id(\"readers\") permit (principal in Role::\"reader\", action == \
    Action::\"Get\", resource == Api::\"shelf\");\n\
    @id(\"from-here\") forbid (principal, action, resource) unless { context.network.isLoopback() };";

/// A door, and what it tells.
struct Door {
    layer: GuardLayer,
    registry: Registry,
    // Counts until dropped.
    _provider: SdkMeterProvider,
}

impl Door {
    fn new(mode: PolicyMode) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("access.cedar"), POLICY).unwrap();
        let guard = Guard::load(folder.path().to_owned(), SCHEMA, "shelf", "dev").unwrap();
        let registry = Registry::new();
        let exporter = opentelemetry_prometheus::exporter().with_registry(registry.clone());
        let provider = SdkMeterProvider::builder().with_reader(exporter.build().unwrap());
        let provider = provider.build();
        let events = Events::new(&provider.meter("test"));
        Self {
            layer: GuardLayer::new(Arc::new(guard), mode, events),
            registry,
            _provider: provider,
        }
    }

    /// The status and the body a request is answered with.
    async fn answer(&self, request: Request<()>) -> (u16, String) {
        let service = self.layer.layer(service_fn(handler));
        let response = service.oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    /// How often an event was told, whatever its reason.
    fn told(&self, event: &str) -> f64 {
        let families = self.registry.gather();
        let counts = families.iter().flat_map(|family| family.get_metric());
        let of_event = counts.filter(|metric| {
            let mut labels = metric.get_label().iter();
            labels.any(|label| label.value() == event)
        });
        of_event
            .map(|metric| metric.get_counter().get_value())
            .sum()
    }
}

fn handler(_: Request<()>) -> Ready<Result<Response<axum::body::Body>, Infallible>> {
    ready(Ok(Response::new("answered".into())))
}

fn request(role: &str, from: Ipv4Addr) -> Request<()> {
    let mut request = Request::new(());
    let extensions = request.extensions_mut();
    extensions.insert(METHOD);
    extensions.insert(Caller::Edge);
    extensions.insert(Peer {
        address: SocketAddr::from((from, 1)),
        id: None,
        certificate: None,
    });
    extensions.insert(Arc::new(Principal {
        subject: "ann".to_owned(),
        roles: vec![role.to_owned()],
        scopes: Vec::new(),
        region: None,
        tenant: None,
        clearance: Clearance::default(),
        authentication: Authentication::default(),
    }));
    request
}

const AFAR: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);

#[tokio::test]
async fn what_policies_do_not_permit_is_refused_and_the_client_is_told_nothing() {
    let door = Door::new(PolicyMode::Enforce);
    let honest = door.answer(request("reader", Ipv4Addr::LOCALHOST)).await;
    assert_eq!(honest, (200, "answered".to_owned()));
    assert_eq!(door.told("policy_denied"), 0.0);
    for (role, from) in [("writer", Ipv4Addr::LOCALHOST), ("reader", AFAR)] {
        let (status, body) = door.answer(request(role, from)).await;
        assert_eq!(status, 403);
        for word in ["readers", "from-here", "polic", "Role"] {
            assert!(!body.contains(word), "{body}");
        }
        assert!(
            body.contains(ErrorCode::PermissionDenied.as_str()),
            "{body}"
        );
    }
    assert_eq!(door.told("policy_denied"), 2.0);
}

#[tokio::test]
async fn in_audit_mode_it_is_told_and_goes_on() {
    let door = Door::new(PolicyMode::Audit);
    let honest = door.answer(request("reader", Ipv4Addr::LOCALHOST)).await;
    assert_eq!(honest.0, 200);
    assert_eq!(door.told("policy_audited"), 0.0);
    assert_eq!(door.answer(request("reader", AFAR)).await.0, 200);
    assert_eq!(
        (door.told("policy_audited"), door.told("policy_denied")),
        (1.0, 0.0)
    );
}

#[tokio::test]
async fn a_layer_that_is_missing_is_no_open_door() {
    let door = Door::new(PolicyMode::Audit);
    assert_eq!(
        door.answer(request("reader", Ipv4Addr::LOCALHOST)).await.0,
        200
    );
    let mut request = request("reader", Ipv4Addr::LOCALHOST);
    request.extensions_mut().remove::<Caller>();
    assert_eq!(door.answer(request).await.0, 500);
}
