//! What each part of the stacks costs a request: the product's own layers, one at a time, around an answer
//! that costs nothing, over what the estate at hand runs on. An overview goes through the edge's once and
//! through the hop's three times.

use std::{
    hint::black_box,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use http::{HeaderMap, Request, header::AUTHORIZATION};
use proto_experience_storefront::{StorefrontContract, v1::GET_MY_OVERVIEW};
use proto_system_customers::v1::{CustomersServiceClient, GET_CUSTOMER};
use strata_config::{Environment, PolicyMode, Rate};
use strata_core::{Caller, Clearance, Contract, Layer, Method, Object, Principal, TraceContext};
use strata_estate::Workspace;
use strata_guard::{Facts, Guard};
use strata_middleware::{
    AccessTokenLayer, CallersLayer, ConsumerLayer, GuardLayer, LimitLayer, MintLayer, PlanLayer,
    ReleaseLayer, ScopeLayer, TransactionTokenLayer,
    access_token::{AccessTokenDigest, Keys, Verifier},
};
use strata_net::Peer;
use strata_policy::{Callers, Consumers, Roles};
use strata_release::NoTokens;
use strata_telemetry::Events;
use strata_tests::Rig;
use strata_tls::Material;
use strata_tokens::Minter;

use crate::{
    layer::{ROUNDS, TURNS, cost},
    plans, report, trail,
};

/// Hops of an overview.
const HOPS: f64 = 3.0;
/// What a request of the bare chain costs, from HTTPS to two stores and back, and how much of it all of
/// this may cost: microseconds.
const BUDGET: f64 = 24.0;

/// A part, by its name: nanoseconds at the edge and at a hop.
struct Share {
    part: &'static str,
    edge: Option<f64>,
    hop: Option<f64>,
}

pub(crate) async fn each_part_has_its_share() -> Result<()> {
    ensure!(
        !cfg!(debug_assertions),
        "what is measured without optimisation says nothing: add --release"
    );
    let rig = Rig::start().await?;
    let measured = measure(&rig).await;
    rig.stop().await;
    let (text, sum) = table(&measured?);
    println!("{text}");
    report::write(Workspace::find()?.root(), "shares", &text)?;
    ensure!(
        sum <= BUDGET,
        "the parts cost {sum:.1} us: at most {BUDGET} us are agreed"
    );
    Ok(())
}

/// What the layers of both ends are made from.
struct World<'a> {
    rig: &'a Rig,
    events: Events,
    user: Arc<Principal>,
    storefront: Material,
    customers: Material,
}

impl World<'_> {
    fn folder(&self, service: &str) -> Result<&Path> {
        Ok(&self.rig.estate.service(service)?.folder)
    }

    fn request(&self, method: Method, caller: Caller) -> Request<()> {
        let mut request = Request::new(());
        *request.uri_mut() = http::Uri::from_static(method.path);
        let id = match &caller {
            Caller::Workload(id) => Some(id.clone()),
            Caller::Edge => None,
        };
        let extensions = request.extensions_mut();
        extensions.insert(Peer {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 1)),
            id,
            certificate: None,
        });
        extensions.insert(method);
        extensions.insert(caller);
        extensions.insert(TraceContext {
            trace_id: 1,
            span_id: 1,
            sampled: false,
        });
        extensions.insert(Arc::clone(&self.user));
        request
    }

    fn at_edge(&self) -> Request<()> {
        let mut request = self.request(GET_MY_OVERVIEW, Caller::Edge);
        request.extensions_mut().insert(AccessTokenDigest([7; 32]));
        request
    }

    fn at_hop(&self) -> Result<Request<()>> {
        let caller = self.rig.estate.service("customer-overview")?.id.clone();
        let mut request = self.request(GET_CUSTOMER, Caller::Workload(caller));
        request.extensions_mut().insert(Clearance::default());
        Ok(request)
    }

    fn guard<C: Contract>(&self) -> Result<GuardLayer> {
        let folder = self.folder(C::SERVICE)?.join("policy");
        let guard = Guard::load(folder, C::POLICY_SCHEMA, C::SERVICE, "dev")?;
        Ok(GuardLayer::new(
            Arc::new(guard),
            PolicyMode::Enforce,
            self.events.clone(),
        ))
    }
}

fn with(request: &Request<()>, change: impl FnOnce(&mut Request<()>)) -> Request<()> {
    let mut copy = request.clone();
    change(&mut copy);
    copy
}

async fn measure(rig: &Rig) -> Result<Vec<Share>> {
    let world = World {
        rig,
        events: Events::new(&opentelemetry::global::meter("shares")),
        user: Arc::new(rig.principal("cus_000001")),
        storefront: material(rig, "storefront")?,
        customers: material(rig, "customers")?,
    };
    let events = || world.events.clone();
    let (edge, hop) = (world.at_edge(), world.at_hop()?);
    let (edge, hop) = (|_| edge.clone(), |_| hop.clone());
    let plenty = Rate {
        requests: 1_000_000_000,
        per: Duration::from_secs(1),
    };
    let mut shares = Vec::new();
    let mut add = |part, edge, hop| shares.push(Share { part, edge, hop });

    let policy = world.folder("storefront")?.join("policy");
    let roomy = plans::roomy(&policy)?;
    let consumers = Arc::new(Consumers::load(roomy.path(), StorefrontContract::METHODS)?);
    let (keys, refresh) = Keys::of(rig.estate.issuer().url().to_owned(), None);
    let _refresh = tokio_util::task::AbortOnDropHandle::new(tokio::spawn(refresh.run(events())));
    keys.ready().await;
    let audience = strata_config::dns_name(Layer::Experience, Environment::Dev, "storefront");
    let verifier = Verifier::new(
        keys,
        rig.estate.issuer().url(),
        &format!("https://{audience}"),
        Duration::from_secs(5),
        Arc::new(Roles::load(&policy.join("roles.toml"))?),
        Arc::clone(&consumers),
    );
    let bearer = format!("Bearer {}", rig.token("cus_000001")?).parse::<http::HeaderValue>()?;
    let signed_in = |turn| {
        with(&edge(turn), |request| {
            request.headers_mut().insert(AUTHORIZATION, bearer.clone());
        })
    };
    let layer = AccessTokenLayer::new(verifier, events());
    add(
        "access token, known",
        Some(cost::<_, axum::body::Body, _>(&layer, signed_in).await?),
        None,
    );

    let layer = LimitLayer::of_networks(plenty, 1000, events());
    let network = cost::<_, axum::body::Body, _>(&layer, edge).await?;
    let layer = LimitLayer::of_workloads(plenty, 1000, events());
    let workload = cost::<_, tonic::body::Body, _>(&layer, hop).await?;
    add(
        "limit of the network, of the workload",
        Some(network),
        Some(workload),
    );
    let layer = LimitLayer::of_users(plenty, 1000, events());
    let at_edge = cost::<_, axum::body::Body, _>(&layer, edge).await?;
    let at_hop = cost::<_, tonic::body::Body, _>(&layer, hop).await?;
    add("limit of the user", Some(at_edge), Some(at_hop));

    let consumer = consumers.iter().next().context("there is no consumer")?;
    let known = |turn| {
        with(&edge(turn), |request| {
            request.extensions_mut().insert(Arc::clone(consumer));
        })
    };
    let layer = ConsumerLayer::new(&consumers, None, events());
    let counted = cost::<_, axum::body::Body, _>(&layer, known).await?;
    let layer = PlanLayer::new(events());
    let planned = cost::<_, axum::body::Body, _>(&layer, known).await?;
    add(
        "quota, spike and plan of the consumer",
        Some(counted + planned),
        None,
    );

    let callee = world.folder("customers")?;
    let methods = CustomersServiceClient::<()>::METHODS;
    let file = callee.join("policy/callers.toml");
    let callers = Callers::load(&file, Layer::System, Environment::Dev, methods)?;
    let layer = CallersLayer::new(Arc::new(callers), events());
    add(
        "callers.toml",
        None,
        Some(cost::<_, tonic::body::Body, _>(&layer, hop).await?),
    );

    let layer = ScopeLayer::new(events());
    let at_edge = cost::<_, axum::body::Body, _>(&layer, edge).await?;
    let at_hop = cost::<_, tonic::body::Body, _>(&layer, hop).await?;
    add("scopes", Some(at_edge), Some(at_hop));

    let layer = world.guard::<StorefrontContract>()?;
    let at_edge = cost::<_, axum::body::Body, _>(&layer, edge).await?;
    let layer = world.guard::<CustomersServiceClient<()>>()?;
    let at_hop = cost::<_, tonic::body::Body, _>(&layer, hop).await?;
    add("policies at the door", Some(at_edge), Some(at_hop));

    add("policies about an object", None, Some(object(&world)?));

    let (id, signer) = (
        world.storefront.id().clone(),
        world.storefront.token_signer(),
    );
    let layer = MintLayer::new(Minter::new(id.clone(), signer, Duration::from_secs(10)));
    let minted = cost::<_, axum::body::Body, _>(&layer, edge).await?;
    let mut headers = HeaderMap::new();
    rig.act_for(&world.user, &id, &mut headers)?;
    let verifier = strata_tokens::Verifier::new(world.customers.token_issuers());
    let layer = TransactionTokenLayer::new(verifier, events());
    let carried = |turn| {
        with(&hop(turn), |request| {
            *request.headers_mut() = headers.clone();
        })
    };
    let verified = cost::<_, tonic::body::Body, _>(&layer, carried).await?;
    add("transaction token, known", Some(minted), Some(verified));

    let layer = ReleaseLayer::new(Arc::new(NoTokens), events());
    let at_edge = cost::<_, axum::body::Body, _>(&layer, edge).await?;
    let at_hop = cost::<_, tonic::body::Body, _>(&layer, hop).await?;
    add("for whom an answer is masked", Some(at_edge), Some(at_hop));
    let (layer, _kept) = trail::around(layer, &world.customers, events())?;
    let edge = cost::<_, axum::body::Body, _>(&layer, edge).await? - at_edge;
    // Who waits for the disk costs no more for it, and would take too long to measure.
    let hop = |turn| {
        with(&hop(turn), |request| {
            let durable = false;
            let method = Method {
                durable,
                ..GET_CUSTOMER
            };
            request.extensions_mut().insert(method);
        })
    };
    let hop = cost::<_, tonic::body::Body, _>(&layer, hop).await? - at_hop;
    add("audit trail", Some(edge.max(0.0)), Some(hop.max(0.0)));
    Ok(shares)
}

/// A decision about an object, in nanoseconds.
fn object(world: &World<'_>) -> Result<f64> {
    type Customers = CustomersServiceClient<()>;
    let folder = world.folder("customers")?.join("policy");
    let guard = Guard::load(folder, Customers::POLICY_SCHEMA, Customers::SERVICE, "dev")?;
    let caller = &world.rig.estate.service("customer-overview")?.id;
    let facts = Facts {
        caller: Some(caller),
        user: Some(&world.user),
        network: Some(Ipv4Addr::LOCALHOST.into()),
    };
    let own = Object {
        kind: "Customer",
        owner: &world.user.subject,
        region: "uk",
        tenant: "teahouse",
    };
    let mut least = f64::INFINITY;
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        for _ in 0..TURNS {
            let decided = guard.decide_object(GET_CUSTOMER.name, &facts, black_box(&own));
            ensure!(decided.is_ok(), "the policies refuse what is measured");
        }
        least = least.min(begun.elapsed().as_secs_f64() * 1e9 / f64::from(TURNS));
    }
    Ok(least)
}

/// What a service of the estate runs on.
fn material(rig: &Rig, service: &str) -> Result<Material> {
    let running = rig.estate.service(service)?;
    let (own, layer) = (running.id.trust_domain(), running.layer);
    let trust = strata_tls::Trust {
        callers: layer.callers().map(|layer| own.beside(layer)).collect(),
        callees: layer.callees().map(|layer| own.beside(layer)).collect(),
        own: running.id.clone(),
        exempted: strata_tls::Exempted::default(),
        accept_stale_crls: false,
    };
    Ok(Material::load(&running.material, trust)?)
}

fn table(shares: &[Share]) -> (String, f64) {
    let mut sum = 0.0;
    let cell = |figure: Option<f64>| figure.map_or_else(String::new, |ns| format!("{ns:.0} ns"));
    let mut rows: Vec<String> = shares
        .iter()
        .map(|share| {
            let whole =
                (share.edge.unwrap_or_default() + HOPS * share.hop.unwrap_or_default()) / 1e3;
            sum += whole;
            format!(
                "| {} | {} | {} | {whole:.2} us |",
                share.part,
                cell(share.edge),
                cell(share.hop)
            )
        })
        .collect();
    rows.push(format!("| **all** | | | {sum:.2} us |"));
    let head = "| part | at the edge | at a hop | of a request |\n|---|---|---|---|".to_owned();
    (
        std::iter::once(head)
            .chain(rows)
            .collect::<Vec<_>>()
            .join("\n"),
        sum,
    )
}
