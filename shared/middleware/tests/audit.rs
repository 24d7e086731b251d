//! What of a request is in the audit trail, and when its answer may go out.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    convert::Infallible,
    io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::body::Body;
use futures_util::stream;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use strata_audit::{Found, Keeper, Query, ResourceKey, Trail, Verdict, query};
use strata_config::{Audit, Environment, Manifest, trust_domain};
use strata_core::{
    Bounded, Caller, Category, Classified, Clearance, Excess, Label, Layer, Method, Principal,
    Sensitivity, TraceContext,
    masking::{Combination, Mask, Masking, Value},
};
use strata_estate::Pki;
use strata_middleware::{AuditLayer, ReleaseLayer};
use strata_telemetry::Events;
use strata_tls::{Exempted, Material, Trust};
use tempfile::TempDir;
use tower::{Layer as _, ServiceExt as _, service_fn};

const SECRET: Label = Label::new(Sensitivity::Restricted, &[Category::Personal]);
const PLAIN: Label = Label::new(Sensitivity::Internal, &[]);

const METHOD: Method = Method {
    name: "Get",
    path: "/a.v1.AService/Get",
    scope: "a:read",
    purpose: "service",
    idempotent: true,
    ceiling: SECRET,
    durable: false,
};

/// A file of somebody.
#[derive(Default)]
struct File {
    name: String,
    secret: String,
}

impl Classified for File {
    const LABEL: Label = SECRET;
    const COMBINATIONS: &'static [Combination] = &[];

    fn visit(&mut self, masking: &mut Masking<'_>) {
        let value = |json, label| Value {
            json,
            label,
            kind: "",
            bit: 0,
            mask: Mask::Redact,
        };
        masking.text(&value("name", PLAIN), &mut self.name);
        masking.text(&value("secret", SECRET), &mut self.secret);
    }
}

struct Ask;

impl Bounded for Ask {
    fn check(&self) -> Result<(), Excess> {
        Ok(())
    }

    fn resource(&self) -> Option<(&'static str, &str)> {
        Some(("file_id", "file_1"))
    }
}

/// A file as it goes out now.
fn file(secret: &str) -> String {
    let mut file = File {
        name: "name".to_owned(),
        secret: secret.to_owned(),
    };
    strata_release::answer(&mut file);
    file.name + &file.secret
}

struct World {
    dir: TempDir,
    trail: Trail,
    keeper: Keeper,
    events: Events,
}

impl World {
    fn new(queue: usize) -> Self {
        let dir = TempDir::new().unwrap();
        let text = "name = 'sample'\nlayer = 'system'\nowner = 'team'\ndescription = 'A sample.'\n";
        let manifest = Manifest::parse(text, Path::new("service.toml")).unwrap();
        let pki = Pki::init(&dir.path().join("pki"), Environment::Dev).unwrap();
        let folder = pki.issue(&manifest, &[]).unwrap();
        let domain = trust_domain(Layer::System, Environment::Dev).unwrap();
        let own = domain.workload("sample").unwrap();
        let trust = Trust {
            own: own.clone(),
            callers: vec![domain.beside(Layer::Process)],
            callees: Vec::new(),
            exempted: Exempted::default(),
            accept_stale_crls: false,
        };
        let material = Material::load(&folder, trust).unwrap();
        let settings = Audit {
            folder: dir.path().join("audit"),
            checkpoints: dir.path().join("checkpoints"),
            file_bytes: 1 << 20,
            file_age: Duration::from_secs(3600),
            retention: Duration::from_secs(7200),
            queue,
        };
        let (signer, auditors) = (material.audit_signer(), material.auditors());
        let key = ResourceKey::derived(b"key");
        let opened = Trail::open(settings, &own, key.clone(), signer, &auditors);
        let (trail, keeper) = opened.unwrap();
        let events = Events::new(&opentelemetry::global::meter("test"));
        events.record_to(trail.clone(), key);
        Self {
            dir,
            trail,
            keeper,
            events,
        }
    }

    /// What is on disk now.
    fn found(&self) -> Vec<Found> {
        found(self.dir.path())
    }

    /// What is on disk when the trail has ended.
    async fn ended(self) -> Vec<Found> {
        self.keeper.close().await;
        found(self.dir.path())
    }

    /// The head of an answer that `handler` makes, through release and audit.
    async fn answer<H, F>(&self, method: Method, may: Label, handler: H) -> Response<Body>
    where
        H: Fn() -> F + Clone + Send + 'static,
        F: Future<Output = Response<Body>> + Send + 'static,
    {
        let stack = ReleaseLayer::new(Arc::new(strata_release::NoTokens), self.events.clone());
        let audit = AuditLayer::new(self.trail.clone(), self.events.clone());
        let handler = service_fn(move |_: Request<()>| {
            let handler = handler.clone();
            async move { Ok::<_, Infallible>(handler().await) }
        });
        let stack = stack.layer(audit.layer(handler));
        let response = stack.oneshot(request(method, may)).await.unwrap();
        response.map(Body::new)
    }
}

fn found(dir: &Path) -> Vec<Found> {
    let mut all = Vec::new();
    let done = query(&dir.join("audit"), &Query::All, |found| {
        all.push(found);
        io::Result::Ok(())
    });
    done.unwrap();
    all
}

fn request(method: Method, may: Label) -> Request<()> {
    let mut request = Request::new(());
    let extensions = request.extensions_mut();
    extensions.insert(method);
    extensions.insert(Caller::Edge);
    extensions.insert(TraceContext {
        trace_id: 7,
        span_id: 1,
        sampled: false,
    });
    extensions.insert(Arc::new(Principal {
        subject: "cus_000001".to_owned(),
        roles: Vec::new(),
        scopes: Vec::new(),
        region: None,
        tenant: None,
        clearance: Clearance(may),
        authentication: strata_core::Authentication::default(),
    }));
    request
}

#[tokio::test]
async fn an_answer_that_must_not_be_lost_waits_for_the_disk() {
    let durable = Method {
        durable: true,
        ..METHOD
    };
    // A write, and a read of what is restricted: whole in the handler, or as its body is made.
    let whole = || async { Response::new(Body::from(file("secret"))) };
    let lazy = || async {
        let one = stream::iter([()]);
        let one = futures_util::StreamExt::map(one, |()| Ok::<_, Infallible>(file("secret")));
        Response::new(Body::from_stream(one))
    };
    let plain = || async { Response::new(Body::from(file(""))) };
    let world = World::new(64);
    let mut records = 0;
    for restricted in [false, true] {
        let may = if restricted { SECRET } else { PLAIN };
        let method = if restricted { METHOD } else { durable };
        for turn in 0..3 {
            let response = match turn {
                0 => world.answer(method, may, whole).await,
                1 => world.answer(method, may, lazy).await,
                _ => world.answer(durable, may, plain).await,
            };
            assert_eq!(response.status(), StatusCode::OK);
            records += 1;
            // Without waiting for anything.
            assert_eq!(world.found().len(), records, "{restricted} {turn}");
        }
    }
    let held: Vec<_> = world.found().iter().map(|it| it.record.label()).collect();
    let unread = Label::new(Sensitivity::Confidential, &[Category::Personal]);
    assert_eq!(held, [PLAIN, PLAIN, PLAIN, SECRET, SECRET, unread]);
    assert_eq!(world.ended().await.len(), records);
}

#[tokio::test]
async fn each_request_is_recorded_once_with_what_became_of_it() {
    let world = World::new(64);
    let names = || async {
        strata_release::names(&Ask);
        Response::new(Body::from(file("")))
    };
    drop(world.answer(METHOD, PLAIN, names).await);
    for status in [StatusCode::FORBIDDEN, StatusCode::NOT_FOUND] {
        let refused = move || async move {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = status;
            response
        };
        drop(world.answer(METHOD, PLAIN, refused).await);
    }
    // Whoever asked goes away; and a handler that panics.
    let hanging = std::future::pending::<Response<Body>>;
    let hanging = world.answer(METHOD, PLAIN, hanging);
    assert!(futures_util::FutureExt::now_or_never(hanging).is_none());
    let panicking = world.answer(METHOD, PLAIN, || async { panic!("a handler that panics") });
    let panicking = std::panic::AssertUnwindSafe(panicking);
    let panicked = futures_util::FutureExt::catch_unwind(panicking).await;
    assert!(panicked.is_err());

    let found = world.ended().await;
    let told: Vec<_> = found
        .iter()
        .map(|it| (it.verdict(), it.record.code.as_str()))
        .collect();
    let expected = [
        (Verdict::Allowed, "OK"),
        (Verdict::Refused, "PERMISSION_DENIED"),
        (Verdict::Failed, "NOT_FOUND"),
        (Verdict::Failed, "ABANDONED"),
        (Verdict::Failed, "INTERNAL"),
    ];
    assert_eq!(told, expected);
    let first = &found[0].record;
    assert_eq!(first.action, METHOD.path);
    assert_eq!((&*first.subject, &*first.via), ("cus_000001", "edge"));
    assert_eq!(first.trace_text(), format!("{:032x}", 7));
    assert_eq!(first.resource_kind, "file_id");
    assert_eq!(first.resource, ResourceKey::derived(b"key").name("file_1"));
}

#[tokio::test]
async fn a_stream_that_comes_to_hold_more_is_recorded_before_it_goes_on() {
    let world = World::new(64);
    let streamed = || async {
        let secrets = stream::iter(["", "", "secret", "secret"]);
        let files = futures_util::StreamExt::map(secrets, |it| Ok::<_, Infallible>(file(it)));
        Response::new(Body::from_stream(files))
    };
    let mut body = world.answer(METHOD, SECRET, streamed).await.into_body();
    for (shown, restricted) in [
        ("name", 0),
        ("name", 0),
        ("namesecret", 1),
        ("namesecret", 1),
    ] {
        let frame = body.frame().await.unwrap().unwrap();
        assert_eq!(frame.into_data().unwrap(), shown);
        let found = world.found().into_iter();
        let found = found.filter(|it| it.record.label().sensitivity == Sensitivity::Restricted);
        assert_eq!(found.count(), restricted, "{shown}");
    }
    assert!(body.frame().await.is_none());
    assert_eq!(world.ended().await.len(), 2);
}

#[tokio::test]
async fn without_a_place_in_the_trail_no_handler_runs() {
    let world = World::new(4);
    let ran = Arc::new(AtomicUsize::new(0));
    let counted = || {
        let ran = Arc::clone(&ran);
        move || {
            ran.fetch_add(1, Ordering::Relaxed);
            async { Response::new(Body::from(file(""))) }
        }
    };
    assert_eq!(
        world.answer(METHOD, PLAIN, counted()).await.status(),
        StatusCode::OK
    );
    let places: Vec<_> = std::iter::from_fn(|| world.trail.reserve().ok()).collect();
    let refused = world.answer(METHOD, PLAIN, counted()).await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    drop(places);
    assert_eq!(
        world.answer(METHOD, PLAIN, counted()).await.status(),
        StatusCode::OK
    );
    assert_eq!(ran.load(Ordering::Relaxed), 2);

    // Nor without the layer that knows what goes out.
    let audit = AuditLayer::new(world.trail.clone(), world.events.clone());
    let bare =
        service_fn(|_: Request<()>| async { Ok::<_, Infallible>(Response::new(Body::empty())) });
    let refused = audit
        .layer(bare)
        .oneshot(request(METHOD, PLAIN))
        .await
        .unwrap();
    assert_eq!(refused.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(ran.load(Ordering::Relaxed), 2);
}
