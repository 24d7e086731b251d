//! Hop: what every request to a System or Process API goes through.

use std::{convert::Infallible, sync::Arc};

use http::{Request, Response};
use hyper::body::Incoming;
use strata_config::Limits;
use strata_core::masking::Tokens;
use strata_middleware::{
    AuditLayer, BodyDeadlineLayer, CallLayer, CallersLayer, DeadlineLayer, GuardLayer, LimitLayer,
    MetricsLayer, PanicLayer, ReleaseLayer, ScopeLayer, ShedLayer, TraceLayer,
    TransactionTokenLayer,
};
use strata_policy::Callers;
use strata_telemetry::{Events, RequestMetrics, Sampling};
use strata_tokens::Verifier;
use tonic::body::Body;
use tower::{Service, ServiceBuilder};

use super::Answer;

/// What the stack is made of.
pub(crate) struct Grpc {
    pub callers: Callers,
    pub verifier: Verifier,
    pub guard: GuardLayer,
    pub audit: AuditLayer,
    pub tokens: Arc<dyn Tokens>,
    pub events: Events,
    pub requests: RequestMetrics,
    pub sampling: Sampling,
    pub limits: Limits,
}

/// The gRPC stack over a generated server. Under it is the mTLS listener of shared/net, which has
/// verified the peer's SPIFFE ID.
pub(crate) fn grpc<S>(
    server: S,
    parts: Grpc,
) -> impl Service<
    Request<Incoming>,
    Response = Response<impl Answer>,
    Error = Infallible,
    Future: Send + 'static,
> + Clone
+ Send
+ 'static
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send + 'static,
{
    let limits = parts.limits;
    ServiceBuilder::new()
        .map_request(|request: Request<Incoming>| request.map(Body::new))
        // A peer that callers.toml does not name for this method costs a lookup and nothing more.
        .layer(CallersLayer::new(
            Arc::new(parts.callers),
            parts.events.clone(),
        ))
        // From here on every line logged names the trace.
        .layer(TraceLayer::new(parts.sampling))
        // Outside what can refuse or fail, so that it counts both.
        .layer(MetricsLayer::new(parts.requests.clone()))
        // No workload takes the places of the others.
        .layer(LimitLayer::of_workloads(
            limits.workload,
            limits.identities,
            parts.events.clone(),
        ))
        // Before anything costs time: what cannot be served soon is refused at once.
        .layer(ShedLayer::new(limits.requests, parts.requests))
        // Inside the trace, so that the answer to a panic names it.
        .layer(PanicLayer)
        // Never longer than the caller waits.
        .layer(DeadlineLayer::new(limits.request_timeout))
        // A stream is answered no longer either.
        .layer(BodyDeadlineLayer)
        // Who the user is says the token that the edge made, and no workload on the way.
        .layer(TransactionTokenLayer::new(
            parts.verifier,
            parts.events.clone(),
        ))
        // No user takes the places of the others, whichever way they came.
        .layer(LimitLayer::of_users(
            limits.user,
            limits.identities,
            parts.events.clone(),
        ))
        // A method that acts for a user needs one, with its scope.
        .layer(ScopeLayer::new(parts.events.clone()))
        // After the scope, so that a policy speaks of a user only where there is one.
        .layer(parts.guard)
        // Nothing goes out that the caller or the user may not hold, and nothing is taken in that the
        // caller may not.
        .layer(ReleaseLayer::new(parts.tokens, parts.events))
        // Within the release, which knows what goes out; nothing does before it is recorded.
        .layer(parts.audit)
        // What the handler gets.
        .layer(CallLayer)
        .service(server)
}
