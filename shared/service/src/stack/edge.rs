//! Edge: what every request to an Experience API goes through.

use std::{convert::Infallible, sync::Arc};

use axum::extract::DefaultBodyLimit;
use http::{HeaderValue, Method, Request, Response, header};
use hyper::body::Incoming;
use strata_config::Limits;
use strata_core::{Contract, masking::Tokens};
use strata_middleware::{
    AccessTokenLayer, AuditLayer, BodyDeadlineLayer, CallLayer, ConsumerLayer, DeadlineLayer,
    DeprecationLayer, DocumentsLayer, ForwardedLayer, GuardLayer, LimitLayer, MetricsLayer,
    MintLayer, PanicLayer, PlanLayer, ReleaseLayer, ScopeLayer, ShedLayer, StripLayer, TraceLayer,
    access_token::Verifier, consumer, deprecation,
};
use strata_rest::Routes;
use strata_telemetry::{Events, RequestMetrics, Sampling};
use strata_tokens::Minter;
use tower::{Service, ServiceBuilder};
use tower_http::{
    cors::{AllowOrigin, CorsLayer},
    set_header::SetResponseHeaderLayer,
};

use super::Answer;

/// What the stack is made of.
pub(crate) struct Edge {
    pub forwarded: ForwardedLayer,
    pub documents: DocumentsLayer,
    pub verifier: Verifier,
    pub minter: Minter,
    pub consumed: ConsumerLayer,
    pub guard: GuardLayer,
    pub audit: AuditLayer,
    pub tokens: Arc<dyn Tokens>,
    pub events: Events,
    pub requests: RequestMetrics,
    pub sampling: Sampling,
    pub limits: Limits,
    /// Whose scripts may read answers.
    pub origins: Vec<HeaderValue>,
}

/// The edge stack over the routes of a contract. Under it is the HTTPS listener of shared/net.
pub(crate) fn edge<C: Contract>(
    routes: Routes<C>,
    parts: Edge,
) -> impl Service<
    Request<Incoming>,
    Response = Response<impl Answer>,
    Error = Infallible,
    Future: Send + 'static,
> + Clone
+ Send
+ 'static {
    let limits = parts.limits;
    let matched = ServiceBuilder::new()
        // Needs the matched method for its name.
        .layer(MetricsLayer::new(parts.requests.clone()))
        // Around all that decides: who is refused is told of the method's end as well, and what is gone
        // is so for everybody.
        .layer(DeprecationLayer)
        // The consumer's plan must have the method.
        .layer(PlanLayer::new(parts.events.clone()))
        // The token must carry the scope of the method.
        .layer(ScopeLayer::new(parts.events.clone()))
        // After the scope: who lacks one is told so, who is refused by a policy is told nothing.
        .layer(parts.guard)
        // Behind the edge a token of the estate's own speaks for the user, for what the method needs:
        // after all that refuses, so that none is made for who is refused.
        .layer(MintLayer::new(parts.minter))
        // Nothing goes out that the user may not see.
        .layer(ReleaseLayer::new(parts.tokens, parts.events.clone()))
        // Within the release, which knows what goes out; nothing does before it is recorded.
        .layer(parts.audit)
        // What the handler gets.
        .layer(CallLayer);
    let header =
        |name, value| SetResponseHeaderLayer::overriding(name, HeaderValue::from_static(value));
    ServiceBuilder::new()
        .map_request(|request: Request<Incoming>| request.map(axum::body::Body::new))
        // Before anything reads a header: nobody outside speaks as one of us.
        .layer(StripLayer)
        // On every answer, refusals too: nothing here is to be cached, framed or sniffed.
        .layer(header(
            header::STRICT_TRANSPORT_SECURITY,
            "max-age=31536000",
        ))
        .layer(header(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(header(header::CACHE_CONTROL, "no-store"))
        // Not in place of one that is there: the page of the documents says what it is made of.
        .layer(SetResponseHeaderLayer::if_not_present(
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
        ))
        // From here on every line logged and every problem names the trace.
        .layer(TraceLayer::new(parts.sampling.of_strangers()))
        // Before anything asks where a client is; whom a proxy speaks for must be allowed here too.
        .layer(parts.forwarded)
        // No network takes the places of the others.
        .layer(LimitLayer::of_networks(
            limits.network,
            limits.identities,
            parts.events.clone(),
        ))
        // Before anything costs time: what cannot be served soon is refused at once.
        .layer(ShedLayer::new(limits.requests, parts.requests))
        // Inside the trace, so that the answer to a panic names it.
        .layer(PanicLayer)
        // Bounds everything below, the reading of the body included.
        .layer(DeadlineLayer::new(limits.request_timeout))
        // A stream is answered no longer either.
        .layer(BodyDeadlineLayer)
        // Enforced by whoever reads the body.
        .layer(DefaultBodyLimit::max(limits.body_bytes))
        // Before the token, which browsers do not send with the question whether they may. Where no
        // origin is listed nobody's scripts may read anything.
        .option_layer(cors(&parts.origins))
        // Before the token, for who is to read them has none yet; production serves none.
        .layer(parts.documents)
        // Nobody without a token learns even which routes exist.
        .layer(AccessTokenLayer::new(parts.verifier, parts.events.clone()))
        // No user takes what their consumer may.
        .layer(LimitLayer::of_users(
            limits.user,
            limits.identities,
            parts.events,
        ))
        // No consumer takes more than its plan has, requests that match no route included.
        .layer(parts.consumed)
        .service(routes.layer(matched).into_router())
}

/// Of a preflight only the answer of the listed origins says that they may. No credentials: a token is
/// sent by the script, and there are no cookies.
fn cors(origins: &[HeaderValue]) -> Option<CorsLayer> {
    if origins.is_empty() {
        return None;
    }
    let layer = CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins.iter().cloned()))
        .allow_methods([
            Method::GET,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ])
        .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE])
        .expose_headers([
            header::RETRY_AFTER,
            consumer::POLICY,
            consumer::LIMIT,
            deprecation::DEPRECATION,
            deprecation::SUNSET,
        ]);
    Some(layer)
}
