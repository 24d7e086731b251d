//! A contract's routes, of one version or several, until they become an axum router.

use std::{convert::Infallible, future::Future, marker::PhantomData};

use axum::{
    Extension, Router,
    extract::Request,
    response::IntoResponse,
    routing::{self, MethodRouter},
};
use serde::{Serialize, de::DeserializeOwned};
use strata_core::{Bounded, Call, Classified, Contract, Error, ErrorCode, TraceContext};
use tower::{Layer, Service};

use crate::{
    answer::{answer, json},
    messages::{Messages, lines},
    problem::Problem,
    route::Route,
};

/// The routes of contract `C` with their handlers. Generated code fills it; the service's stack puts
/// its layers around the handlers and takes the router.
pub struct Routes<C> {
    documents: Vec<(u16, &'static str)>,
    routes: Vec<(&'static Route, MethodRouter)>,
    contract: PhantomData<fn() -> C>,
}

impl<C: Contract> Routes<C> {
    /// No route yet, of this version of the contract. `document` is what clients are told of them:
    /// OpenAPI, as JSON.
    #[must_use]
    pub fn new(version: u16, document: &'static str) -> Self {
        Self {
            documents: vec![(version, document)],
            routes: Vec::new(),
            contract: PhantomData,
        }
    }

    /// Adds a route. `handler` gets the call's context, which the stack must have put into the
    /// request's extensions, and the request bound to its message.
    #[must_use]
    pub fn route<Req, Res, F, Fut>(mut self, route: &'static Route, handler: F) -> Self
    where
        Req: DeserializeOwned + Bounded + Send + 'static,
        Res: Serialize + Classified + Send + 'static,
        F: Fn(Call, Req) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<Res, Error>> + Send + 'static,
    {
        let answering = move |request: Request| answer(route, request, handler, json);
        self.routes
            .push((route, routing::on(route.verb.filter(), answering)));
        self
    }

    /// Adds a route whose answer is a stream of messages, written as lines of JSON.
    #[must_use]
    pub fn stream<Req, Res, F, Fut>(mut self, route: &'static Route, handler: F) -> Self
    where
        Req: DeserializeOwned + Bounded + Send + 'static,
        Res: Serialize + Classified + Send + 'static,
        F: Fn(Call, Req) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<Messages<Res>, Error>> + Send + 'static,
    {
        let answering = move |request: Request| answer(route, request, handler, lines);
        self.routes
            .push((route, routing::on(route.verb.filter(), answering)));
        self
    }

    /// These routes and those of another version, side by side.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        self.documents.extend(other.documents);
        self.routes.extend(other.routes);
        self
    }

    /// Puts `layer` around every handler, inside the routing: it sees the matched
    /// [`strata_core::Method`] in the request's extensions, and no request that matches no route.
    /// The layer added last is outermost.
    #[must_use]
    pub fn layer<L>(mut self, layer: L) -> Self
    where
        L: Layer<routing::Route> + Clone + Send + Sync + 'static,
        L::Service: Service<Request, Error = Infallible> + Clone + Send + Sync + 'static,
        <L::Service as Service<Request>>::Response: IntoResponse + 'static,
        <L::Service as Service<Request>>::Future: Send + 'static,
    {
        for (_, handler) in &mut self.routes {
            *handler = std::mem::take(handler).route_layer(layer.clone());
        }
        self
    }

    /// What clients are told of the routes: the OpenAPI document of each version, as JSON.
    #[must_use]
    pub fn documents(&self) -> &[(u16, &'static str)] {
        &self.documents
    }

    /// The router. What matches no route gets a 404 or 405 problem.
    pub fn into_router(self) -> Router {
        let router = self
            .routes
            .into_iter()
            .fold(Router::new(), |router, (route, handler)| {
                let mut handler = handler.route_layer(Extension(route.method));
                if let Some(deprecation) = route.deprecation {
                    handler = handler.route_layer(Extension(deprecation));
                }
                router.route(route.template, handler)
            });
        router
            .fallback(not_found)
            .method_not_allowed_fallback(method_not_allowed)
    }
}

async fn not_found(request: Request) -> Problem {
    traced(ErrorCode::NotFound.into(), &request)
}

async fn method_not_allowed(request: Request) -> Problem {
    traced(Problem::method_not_allowed(), &request)
}

fn traced(problem: Problem, request: &Request) -> Problem {
    // No route, so no call's context either: that is made inside the routing.
    match request.extensions().get::<TraceContext>() {
        Some(trace) => problem.with_trace(*trace),
        None => problem,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use axum::{body::Body, middleware};
    use http::{HeaderName, StatusCode, header};
    use http_body_util::BodyExt as _;
    use serde::Deserialize;
    use strata_core::{
        Caller, Label, Layer, Method, Sensitivity,
        masking::{Combination, Masking},
    };
    use tower::ServiceExt;

    use super::*;
    use crate::route::{BodyBinding, Verb};

    struct Desk;

    impl Contract for Desk {
        const LAYER: strata_core::Layer = Layer::Experience;
        const SERVICE: &'static str = "desk";
        const NAME: &'static str = "experience.desk.v1.DeskService";
        const METHODS: &'static [Method] = &[READ.method, WRITE.method];
        const POLICY_SCHEMA: &'static str = "";
    }

    const fn desk(verb: Verb, name: &'static str) -> Route {
        let path = "/v1/desk";
        let ceiling = Label::new(Sensitivity::Public, &[]);
        let method = Method {
            name,
            path,
            scope: "",
            purpose: "",
            idempotent: false,
            ceiling,
            durable: false,
        };
        Route {
            verb,
            template: path,
            method,
            path: &[],
            query: &[],
            body: BodyBinding::None,
            fields: &[],
            deprecation: None,
        }
    }

    const READ: Route = desk(Verb::Get, "Read");
    const WRITE: Route = desk(Verb::Delete, "Write");

    #[derive(Serialize, Deserialize)]
    struct Empty {}

    impl Bounded for Empty {
        fn check(&self) -> Result<(), strata_core::Excess> {
            Ok(())
        }
    }

    impl Classified for Empty {
        const LABEL: Label = Label::new(Sensitivity::Public, &[]);
        const COMBINATIONS: &'static [Combination] = &[];

        fn visit(&mut self, _: &mut Masking<'_>) {}
    }

    async fn named(request: Request, next: middleware::Next) -> axum::response::Response {
        let method = request.extensions().get::<Method>().copied();
        let mut response = next.run(request).await;
        let name = method.map_or("none", |method| method.name);
        let (key, value) = (HeaderName::from_static("x-method"), name.parse().unwrap());
        response.headers_mut().append(key, value);
        response
    }

    async fn send(verb: &str, path: &str) -> axum::response::Response {
        let handler = |_: Call, _: Empty| async move { Ok(Empty {}) };
        let routes = Routes::<Desk>::new(1, "{}")
            .route(const { &READ }, handler)
            .route(const { &WRITE }, handler)
            .layer(middleware::from_fn(named));
        let trace = TraceContext {
            trace_id: 7,
            span_id: 1,
            sampled: false,
        };
        let call = Call {
            caller: Caller::Edge,
            principal: None,
            credential: None,
            objects: None,
            deadline: Instant::now(),
            trace,
        };
        let request = Request::builder().method(verb).uri(path);
        let request = request.extension(trace).extension(call);
        routes
            .into_router()
            .oneshot(request.body(Body::empty()).unwrap())
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn a_layer_sees_the_matched_method() {
        for (verb, name) in [("GET", "Read"), ("DELETE", "Write"), ("HEAD", "Read")] {
            let response = send(verb, "/v1/desk").await;
            assert_eq!(response.status(), StatusCode::OK);
            assert_eq!(response.headers()["x-method"], name);
        }
    }

    #[test]
    fn versions_stand_side_by_side() {
        let handler = |_: Call, _: Empty| async move { Ok(Empty {}) };
        let first = Routes::<Desk>::new(1, "{\"v\":1}").route(const { &READ }, handler);
        let second = Routes::new(2, "{\"v\":2}").route(const { &WRITE }, handler);
        let both = first.merge(second);
        assert_eq!(both.documents(), [(1, "{\"v\":1}"), (2, "{\"v\":2}")]);
        assert_eq!(both.routes.len(), 2);
    }

    #[tokio::test]
    async fn what_matches_no_route_reaches_no_layer() {
        for (verb, path, status) in [
            ("GET", "/v1/desks", StatusCode::NOT_FOUND),
            ("GET", "/v1/desk/", StatusCode::NOT_FOUND),
            ("POST", "/v1/desk", StatusCode::METHOD_NOT_ALLOWED),
        ] {
            let response = send(verb, path).await;
            assert_eq!(response.status(), status);
            assert!(!response.headers().contains_key("x-method"));
            assert_eq!(
                response.headers()[header::CONTENT_TYPE],
                "application/problem+json"
            );
            let body = response.into_body().collect().await.unwrap().to_bytes();
            let problem: serde_json::Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(problem["trace_id"], format!("{:032x}", 7));
        }
        let allow = send("POST", "/v1/desk").await.headers()[header::ALLOW].clone();
        let mut allow: Vec<_> = allow.to_str().unwrap().split(',').collect();
        allow.sort_unstable();
        assert_eq!(allow, ["DELETE", "GET", "HEAD"]);
    }
}
