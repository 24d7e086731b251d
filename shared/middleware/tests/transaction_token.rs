//! From the edge over a hop to the next one: who the user is says the token alone.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    convert::Infallible,
    path::Path,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use http::{Extensions, HeaderMap, Request, Response};
use strata_config::{Environment, Manifest, trust_domain};
use strata_core::{
    Authentication, Call, Caller, Category, Clearance, ErrorCode, Label, Layer as Tier, Method,
    Principal, Sensitivity, SpiffeId, TraceContext,
};
use strata_estate::pki::Pki;
use strata_middleware::{
    CallLayer, MintLayer, OutboundLayer, TransactionTokenLayer, access_token::AccessTokenDigest,
    deadline::Deadline, outbound::OnBehalfOf,
};
use strata_net::Outgoing;
use strata_telemetry::Events;
use strata_testkit::TransactionToken;
use strata_tls::{Exempted, Material, Trust};
use strata_tokens::{Minter, Verifier};
use tempfile::TempDir;
use tonic::body::Body;
use tower::{Layer, ServiceExt, service_fn};

const METHOD: Method = Method {
    name: "Get",
    path: "/experience.shop.v1.ShopService/Get",
    scope: "a:read b:read",
    purpose: "service",
    idempotent: true,
    ceiling: Label::new(Sensitivity::Public, &[]),
    durable: false,
};

const REFUSED: i32 = ErrorCode::Unauthenticated.grpc();

struct World {
    _folder: TempDir,
    pki: Pki,
    mint: MintLayer,
    verify: TransactionTokenLayer,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let pki = Pki::init(&folder.path().join("pki"), Environment::Dev).unwrap();
        let shop = material(&pki, Tier::Experience, "shop");
        let stock = material(&pki, Tier::System, "stock");
        let timeout = Duration::from_secs(10);
        let minter = Minter::new(shop.id().clone(), shop.token_signer(), timeout);
        let events = Events::new(&opentelemetry::global::meter("test"));
        Self {
            mint: MintLayer::new(minter),
            verify: TransactionTokenLayer::new(Verifier::new(stock.token_issuers()), events),
            pki,
            _folder: folder,
        }
    }

    /// What a hop makes of a request from `caller`.
    async fn hop(&self, caller: SpiffeId, headers: HeaderMap) -> Result<Call, i32> {
        let mut request = Request::new(());
        *request.headers_mut() = headers;
        prepare(request.extensions_mut(), Caller::Workload(caller));
        call_of(&self.verify, request).await
    }
}

fn material(pki: &Pki, layer: Tier, service: &str) -> Material {
    let text = format!(
        "name = \"{service}\"\nlayer = \"{layer}\"\nowner = \"team\"\ndescription = \"A sample.\"\n"
    );
    let manifest = Manifest::parse(&text, Path::new("service.toml")).unwrap();
    let own = trust_domain(layer, Environment::Dev).unwrap();
    let trust = Trust {
        callers: layer.callers().map(|layer| own.beside(layer)).collect(),
        callees: layer.callees().map(|layer| own.beside(layer)).collect(),
        own: own.workload(service).unwrap(),
        exempted: Exempted::default(),
        accept_stale_crls: false,
    };
    Material::load(&pki.issue(&manifest, &[]).unwrap(), trust).unwrap()
}

fn id(layer: Tier, service: &str) -> SpiffeId {
    let domain = trust_domain(layer, Environment::Dev).unwrap();
    domain.workload(service).unwrap()
}

fn user() -> Principal {
    let label = Label::new(Sensitivity::Confidential, &[Category::Personal]);
    Principal {
        subject: "cus_000001".to_owned(),
        roles: vec!["customer".to_owned()],
        scopes: ["a:read", "b:read", "c:write"].map(str::to_owned).into(),
        region: None,
        tenant: None,
        clearance: Clearance(label),
        authentication: Authentication {
            level: Some("two-factors".to_owned()),
            ..Authentication::default()
        },
    }
}

/// What the layers before and after are for.
fn prepare(extensions: &mut Extensions, caller: Caller) {
    extensions.insert(caller);
    extensions.insert(METHOD);
    extensions.insert(Deadline(Instant::now() + Duration::from_secs(60)));
    extensions.insert(TraceContext {
        trace_id: 1,
        span_id: 2,
        sampled: false,
    });
}

/// The call that a handler behind `layer` gets, or the code it is refused with.
async fn call_of<L, S>(layer: &L, request: Request<()>) -> Result<Call, i32>
where
    L: Layer<strata_middleware::call::AssembleCall<Keep>, Service = S>,
    S: tower::Service<Request<()>, Response = Response<Body>, Error = Infallible>,
{
    let kept = Arc::new(Mutex::new(None));
    let service = layer.layer(CallLayer.layer(Keep(Arc::clone(&kept))));
    let response = service.oneshot(request).await.unwrap();
    let status = response.headers().get("grpc-status");
    match status.map(|code| code.to_str().unwrap().parse().unwrap()) {
        Some(code) => Err(code),
        None => Ok(kept.lock().unwrap().take().unwrap()),
    }
}

/// Keeps the call it gets.
#[derive(Clone)]
struct Keep(Arc<Mutex<Option<Call>>>);

impl tower::Service<Request<()>> for Keep {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(
        &mut self,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), Infallible>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<()>) -> Self::Future {
        *self.0.lock().unwrap() = request.extensions().get().cloned();
        std::future::ready(Ok(Response::new(Body::empty())))
    }
}

/// A request of the user at the edge.
fn at_the_edge(method: http::Method) -> Request<()> {
    let mut request = Request::builder().method(method).body(()).unwrap();
    prepare(request.extensions_mut(), Caller::Edge);
    request.extensions_mut().insert(Arc::new(user()));
    request.extensions_mut().insert(AccessTokenDigest([1; 32]));
    request
}

/// What is sent on behalf of a call.
async fn sent(call: Call) -> HeaderMap {
    let seen = Arc::new(Mutex::new(HeaderMap::new()));
    let keep = Arc::clone(&seen);
    let sink = service_fn(move |outgoing: Outgoing| {
        keep.lock().unwrap().clone_from(&outgoing.headers);
        std::future::ready(Ok::<_, Infallible>(Response::new(())))
    });
    let request = Request::new(Body::empty());
    let sending = OutboundLayer
        .layer(sink)
        .oneshot(OnBehalfOf { call, request });
    sending.await.unwrap();
    seen.lock().unwrap().clone()
}

#[tokio::test]
async fn the_user_arrives_at_every_hop_by_one_unchanged_token() {
    let world = World::new();
    let edge = call_of(&world.mint, at_the_edge(http::Method::GET))
        .await
        .unwrap();
    let first = sent(edge.clone()).await;
    let process = world
        .hop(id(Tier::Experience, "shop"), first.clone())
        .await
        .unwrap();
    let received = process.principal().unwrap();
    assert_eq!(received.subject, "cus_000001");
    // For the scopes of the method at the edge, and no other of the access token.
    assert_eq!(received.scopes, ["a:read", "b:read"]);
    assert_eq!(received.clearance, user().clearance);

    let second = sent(process).await;
    assert_eq!(second["txn-token"], first["txn-token"]);
    assert!(second["txn-token"].is_sensitive());
    let system = world
        .hop(id(Tier::Process, "overview"), second)
        .await
        .unwrap();
    assert_eq!(system.principal().unwrap().scopes, ["a:read", "b:read"]);

    // Another request that reads goes with the same token, one that may write with its own.
    let again = call_of(&world.mint, at_the_edge(http::Method::GET))
        .await
        .unwrap();
    assert_eq!(sent(again).await["txn-token"], first["txn-token"]);
    let write = call_of(&world.mint, at_the_edge(http::Method::POST))
        .await
        .unwrap();
    assert_ne!(sent(write).await["txn-token"], first["txn-token"]);
}

#[tokio::test]
async fn what_is_narrowed_stays_so_and_is_never_widened() {
    let world = World::new();
    let caller = || id(Tier::Process, "overview");
    let edge = call_of(&world.mint, at_the_edge(http::Method::GET))
        .await
        .unwrap();
    let headers = sent(edge).await;
    let process = world.hop(caller(), headers).await.unwrap();
    let internal = Clearance(Label::new(Sensitivity::Internal, &Category::ALL));
    let less = process.narrowed_to("b:read c:write", internal);
    assert_eq!(less.principal().unwrap().scopes, ["b:read"]);

    let system = world.hop(caller(), sent(less.clone()).await).await.unwrap();
    let received = system.principal().unwrap();
    assert_eq!(received.scopes, ["b:read"]);
    let expected = Label::new(Sensitivity::Internal, &[Category::Personal]);
    assert_eq!(received.clearance, Clearance(expected));
    assert_eq!(received.authentication, user().authentication);
    // And from there on.
    let next = world.hop(caller(), sent(system).await).await.unwrap();
    assert_eq!(next.principal().unwrap().scopes, ["b:read"]);

    // An empty list authorises nothing.
    let nothing = sent(less.narrowed_to("", internal)).await;
    let nothing = world.hop(caller(), nothing).await.unwrap();
    assert!(nothing.principal().unwrap().scopes.is_empty());
    // A list that says more than the token gains nothing.
    let mut more = sent(less).await;
    more.insert("strata-scopes", "a:read b:read c:write".parse().unwrap());
    let all = r#"{"sensitivity":"restricted","categories":["payment","personal"]}"#;
    more.insert("strata-clearance", all.parse().unwrap());
    let more = world.hop(caller(), more).await.unwrap();
    assert_eq!(more.principal().unwrap().scopes, ["a:read", "b:read"]);
    assert_eq!(more.principal().unwrap().clearance, user().clearance);
}

#[tokio::test]
async fn a_token_that_is_not_the_edges_is_refused() {
    let world = World::new();
    let shop = id(Tier::Experience, "shop");
    let overview = id(Tier::Process, "overview");
    let honest = TransactionToken::honest(&world.pki, &shop, &user()).unwrap();
    let headers = |change: &dyn Fn(&mut HeaderMap)| {
        let mut headers = HeaderMap::new();
        honest.write(&mut headers).unwrap();
        change(&mut headers);
        headers
    };
    let send = async |caller: &SpiffeId, change: &dyn Fn(&mut HeaderMap)| {
        let call = world.hop(caller.clone(), headers(change)).await;
        call.map(|call| call.principal.is_some())
    };
    assert_eq!(send(&shop, &|_| ()).await, Ok(true));
    assert_eq!(send(&overview, &|_| ()).await, Ok(true));
    // Without a token there is no user; a method with scopes is refused then.
    assert_eq!(send(&shop, &HeaderMap::clear).await, Ok(false));

    // The token of another Experience API, unless a Process API passes it on.
    let desk = id(Tier::Experience, "desk");
    assert_eq!(send(&desk, &|_| ()).await, Err(REFUSED));
    let twice = |headers: &mut HeaderMap| {
        let token = headers["txn-token"].clone();
        headers.append("txn-token", token);
    };
    assert_eq!(send(&shop, &twice).await, Err(REFUSED));
    for alone in ["txn-token", "strata-token-leaf"] {
        let without = |headers: &mut HeaderMap| {
            headers.remove(alone);
        };
        assert_eq!(send(&shop, &without).await, Err(REFUSED), "without {alone}");
    }
    for (name, value) in [
        ("txn-token", "no"),
        ("txn-token", ""),
        ("strata-scopes", "a:read"),
        ("strata-clearance", "{\"sensitivity\":\"public\"}"),
    ] {
        let alone = |headers: &mut HeaderMap| {
            headers.insert(name, value.parse().unwrap());
        };
        assert_eq!(send(&shop, &alone).await, Err(REFUSED), "{name}: {value}");
    }
    let garbled = |headers: &mut HeaderMap| {
        headers.insert("strata-scopes", "a:read".parse().unwrap());
        headers.insert("strata-clearance", "all".parse().unwrap());
    };
    assert_eq!(send(&shop, &garbled).await, Err(REFUSED));
}

#[tokio::test]
async fn no_token_is_made_without_a_user() {
    let world = World::new();
    let with = async |change: fn(&mut Extensions)| {
        let mut request = at_the_edge(http::Method::GET);
        change(request.extensions_mut());
        let call = call_of(&world.mint, request).await;
        call.map(|call| call.credential.is_some())
    };
    assert_eq!(with(|_| ()).await, Ok(true));
    let nobody: fn(&mut Extensions) = |extensions| {
        extensions.remove::<Arc<Principal>>();
    };
    assert_eq!(with(nobody).await, Err(REFUSED));
    // A method without scopes acts for no user.
    let for_nobody: fn(&mut Extensions) = |extensions| {
        extensions.insert(Method {
            scope: "",
            ..METHOD
        });
    };
    assert_eq!(with(for_nobody).await, Ok(false));
}
