//! What a service's `build` returns.

use std::{convert::Infallible, marker::PhantomData, path::Path, pin::Pin, sync::Arc};

use http::{HeaderValue, Request, Response};
use strata_audit::Trail;
use strata_config::{Config, Environment};
use strata_core::{Contract, Experience, Method, Process, System, Tier, masking::Tokens};
use strata_guard::Guard;
use strata_limits::Redis;
use strata_middleware::{
    AuditLayer, ConsumerLayer, DocumentsLayer, ForwardedLayer, GuardLayer,
    access_token::{Keys, Verifier},
};
use strata_net::{Drained, Limits, Transport, serve};
use strata_policy::{Callers, Consumers, Roles};
use strata_rest::Routes;
use strata_telemetry::Telemetry;
use strata_tls::Material;
use strata_tokens::Minter;
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};
use tonic::body::Body;

use crate::{
    error::StartError,
    policy,
    stack::{Edge, Grpc, edge, grpc},
};

/// Serves on a listener until shutdown.
pub(crate) type Serve =
    Box<dyn FnOnce(TcpListener) -> Pin<Box<dyn Future<Output = Drained> + Send>> + Send>;
type Prepare = Box<dyn FnOnce(Parts<'_>) -> Result<(Serve, Readiness), StartError> + Send>;
/// Completes when the service can answer.
pub(crate) type Readiness = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What the stacks are made of.
pub(crate) struct Parts<'a> {
    pub environment: Environment,
    pub config: &'a Config,
    pub material: &'a Material,
    pub tokens: Arc<dyn Tokens>,
    pub trail: Trail,
    pub telemetry: &'a Telemetry,
    pub limits: Limits,
    pub shutdown: CancellationToken,
}

/// A service of layer `L`, ready to be served.
pub struct Service<L> {
    pub(crate) contract: &'static str,
    pub(crate) prepare: Prepare,
    layer: PhantomData<L>,
}

/// The layers that speak gRPC.
pub trait Internal: Tier {}
impl Internal for System {}
impl Internal for Process {}

impl<L: Internal> Service<L> {
    /// Serves a generated gRPC server over mTLS to the callers of policy/callers.toml.
    pub fn grpc<S>(server: S) -> Self
    where
        S: strata_grpc::Server
            + tower::Service<Request<Body>, Response = Response<Body>, Error = Infallible>
            + Clone
            + Send
            + 'static,
        S::Future: Send + 'static,
    {
        let methods: &'static [Method] = S::METHODS;
        let prepare = move |parts: Parts<'_>| -> Result<(Serve, Readiness), StartError> {
            let callers = Callers::load(
                Path::new("policy/callers.toml"),
                L::LAYER,
                parts.environment,
                methods,
            )?;
            let guard = policy::load::<S>(parts.environment)?;
            let stack = grpc(
                server.with_message_limit(parts.config.limits.body_bytes),
                Grpc {
                    callers,
                    verifier: strata_tokens::Verifier::new(parts.material.token_issuers()),
                    guard: guarded(&guard, &parts),
                    audit: AuditLayer::new(parts.trail.clone(), parts.telemetry.events()),
                    tokens: Arc::clone(&parts.tokens),
                    events: parts.telemetry.events(),
                    requests: parts.telemetry.requests(),
                    sampling: parts.telemetry.sampling(),
                    limits: parts.config.limits.clone(),
                },
            );
            let transport = Transport::Mtls {
                config: parts.material.server_config(),
                callers: parts.material.callers(),
            };
            let ready = Box::pin(std::future::ready(()));
            Ok((on_listener(parts, transport, guard, stack), ready))
        };
        Self {
            contract: S::SERVICE,
            prepare: Box::new(prepare),
            layer: PhantomData,
        }
    }
}

impl Service<Experience> {
    /// Serves the routes of a contract, of all its versions that are in `routes`, over HTTPS to users
    /// with an access token.
    #[must_use]
    pub fn edge<C: Contract + Send + 'static>(routes: Routes<C>) -> Self {
        let prepare = move |parts: Parts<'_>| -> Result<(Serve, Readiness), StartError> {
            let tokens = parts.config.tokens.as_ref().ok_or_else(|| {
                StartError::Build("the configuration has no [tokens]: add it to base.toml".into())
            })?;
            let versions = routes.documents().iter().map(|(version, _)| version);
            if !versions.clone().is_sorted_by(|one, next| one < next) {
                let versions: Vec<_> = versions.map(u16::to_string).collect();
                let what = format!(
                    "the routes are of versions {}: merge each version once, oldest first",
                    versions.join(", ")
                );
                return Err(StartError::Build(what.into()));
            }
            let roles = Roles::load(Path::new("policy/roles.toml"))?;
            let consumers = Arc::new(Consumers::load(Path::new("policy"), C::METHODS)?);
            for consumer in consumers.overdue() {
                let client = &consumer.client_id;
                tracing::warn!(
                    client,
                    owner = consumer.owner,
                    "this consumer's review is past its date"
                );
            }
            let origins = parts.config.cors.origins.iter();
            let origins: Result<_, _> = origins.map(HeaderValue::try_from).collect();
            let origins = origins.map_err(|_| {
                StartError::Build("an origin is no header: write it as a browser sends it".into())
            })?;
            let redis = redis(&parts, C::SERVICE)?;
            let consumed = ConsumerLayer::new(&consumers, redis.as_ref(), parts.telemetry.events());
            let (keys, refresh) = Keys::of(tokens.issuer.clone(), tokens.ca.clone());
            let verifier = Verifier::new(
                keys.clone(),
                &tokens.issuer,
                &tokens.audience,
                tokens.leeway,
                Arc::new(roles),
                consumers,
            );
            let documents = if parts.environment.serves_api_documents() {
                let served = DocumentsLayer::serving(routes.documents());
                served
                    .map_err(|_| StartError::Build("the page of the documents is broken".into()))?
            } else {
                DocumentsLayer::none()
            };
            let guard = policy::load::<C>(parts.environment)?;
            let stack = edge(
                routes,
                Edge {
                    forwarded: ForwardedLayer::new(
                        parts.config.listen.x_forwarded_for.clone(),
                        parts.limits.networks.clone(),
                        parts.telemetry.events(),
                    ),
                    documents,
                    verifier,
                    minter: Minter::new(
                        parts.material.id().clone(),
                        parts.material.token_signer(),
                        parts.config.limits.request_timeout,
                    ),
                    consumed,
                    origins,
                    guard: guarded(&guard, &parts),
                    audit: AuditLayer::new(parts.trail.clone(), parts.telemetry.events()),
                    tokens: Arc::clone(&parts.tokens),
                    events: parts.telemetry.events(),
                    requests: parts.telemetry.requests(),
                    sampling: parts.telemetry.sampling(),
                    limits: parts.config.limits.clone(),
                },
            );
            let transport = Transport::Https(if tokens.client_certificates {
                parts.material.asking_edge_config()?
            } else {
                parts.material.edge_config()?
            });
            let events = parts.telemetry.events();
            let serve = on_listener(parts, transport, guard, stack);
            let serve = move |listener| {
                tokio::spawn(refresh.run(events));
                serve(listener)
            };
            let ready = Box::pin(async move { keys.ready().await });
            Ok((Box::new(serve), ready))
        };
        Self {
            contract: C::SERVICE,
            prepare: Box::new(prepare),
            layer: PhantomData,
        }
    }
}

/// The Redis that shares quotas, where the configuration names one. Every service of every environment
/// has keys of its own.
fn redis(parts: &Parts<'_>, service: &str) -> Result<Option<Arc<Redis>>, StartError> {
    let Some(shared) = &parts.config.limits.redis else {
        return Ok(None);
    };
    let prefix = format!("strata:{}:{service}:quota:", parts.environment);
    let events = parts.telemetry.events();
    let redis = Redis::new(shared.url.as_str(), prefix, shared.share, events)?;
    Ok(Some(Arc::new(redis)))
}

fn guarded(guard: &Arc<Guard>, parts: &Parts<'_>) -> GuardLayer {
    let (mode, events) = (parts.config.policy.mode, parts.telemetry.events());
    GuardLayer::new(Arc::clone(guard), mode, events)
}

/// Serves `stack`, and takes over policies that change meanwhile.
fn on_listener<S, B>(parts: Parts<'_>, transport: Transport, guard: Arc<Guard>, stack: S) -> Serve
where
    S: tower::Service<Request<hyper::body::Incoming>, Response = Response<B>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send + 'static,
    B: hyper::body::Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let events = parts.telemetry.events();
    let Parts {
        limits, shutdown, ..
    } = parts;
    Box::new(move |listener| {
        Box::pin(async move {
            let watching = tokio::spawn(policy::watch(guard, events.clone()));
            let _watching = AbortOnDropHandle::new(watching);
            serve(listener, transport, stack, &limits, events, shutdown).await
        })
    })
}
