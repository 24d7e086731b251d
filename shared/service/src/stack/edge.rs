//! Edge: what every request to an Experience API goes through.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::extract::DefaultBodyLimit;
use http::{HeaderValue, Request, Response, header};
use hyper::body::Incoming;
use strata_core::{Contract, masking::Tokens};
use strata_middleware::{
    AccessTokenLayer, BodyDeadlineLayer, CallLayer, DeadlineLayer, DocumentsLayer, GuardLayer,
    MetricsLayer, PanicLayer, ReleaseLayer, ScopeLayer, ShedLayer, StripLayer, TraceLayer,
    access_token::Verifier,
};
use strata_rest::Routes;
use strata_telemetry::{Events, RequestMetrics, Sampling};
use tower::{Service, ServiceBuilder};
use tower_http::set_header::SetResponseHeaderLayer;

use super::Answer;

/// What the stack is made of.
pub(crate) struct Edge {
    pub documents: DocumentsLayer,
    pub verifier: Verifier,
    pub guard: GuardLayer,
    pub tokens: Arc<dyn Tokens>,
    pub events: Events,
    pub requests: RequestMetrics,
    pub sampling: Sampling,
    pub most_requests: usize,
    pub request_timeout: Duration,
    pub body_bytes: usize,
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
    let matched = ServiceBuilder::new()
        // Needs the matched method for its name.
        .layer(MetricsLayer::new(parts.requests.clone()))
        // The token must carry the scope of the method.
        .layer(ScopeLayer::new(parts.events.clone()))
        // After the scope: who lacks one is told so, who is refused by a policy is told nothing.
        .layer(parts.guard)
        // Nothing goes out that the user may not see.
        .layer(ReleaseLayer::new(parts.tokens, parts.events.clone()))
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
        // Before anything costs time: what cannot be served soon is refused at once.
        .layer(ShedLayer::new(parts.most_requests, parts.requests))
        // Inside the trace, so that the answer to a panic names it.
        .layer(PanicLayer)
        // Bounds everything below, the reading of the body included.
        .layer(DeadlineLayer::new(parts.request_timeout))
        // A stream is answered no longer either.
        .layer(BodyDeadlineLayer)
        // Enforced by whoever reads the body.
        .layer(DefaultBodyLimit::max(parts.body_bytes))
        // Before the token, for who is to read them has none yet; production serves none.
        .layer(parts.documents)
        // Nobody without a token learns even which routes exist.
        .layer(AccessTokenLayer::new(parts.verifier, parts.events))
        .service(routes.layer(matched).into_router())
}
