//! What a client is told of the API: the OpenAPI document of each version, and a page to read and try
//! it. Answered before a token is asked for, so only where the environment serves them; where not, the
//! layer lets every request pass, and nothing tells their paths from others.

use std::{
    convert::Infallible,
    sync::Arc,
    task::{Context, Poll},
};

use axum::{body::Body, response::IntoResponse};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use futures_util::future::{Either, Ready, ready};
use http::{HeaderValue, Method, Request, Response, header};
use sha2::{Digest as _, Sha256};
use strata_core::{ErrorCode, TraceContext};
use strata_rest::Problem;
use tower::{Layer, Service};

/// Where the newest document is; that of each version is below the version, `/v1/openapi.json`.
const DOCUMENT: &str = "/openapi.json";
/// Where the page is that shows the document beside it.
const PAGE: &str = "/docs";

const MARKUP: &str = include_str!("documents/page.html");
const STYLE: &str = include_str!("documents/page.css");
const SCRIPT: &str = include_str!("documents/page.js");

/// Answers for the documents of an API, where they are served.
#[derive(Clone)]
pub struct DocumentsLayer(Option<Arc<Documents>>);

/// The answers.
struct Documents {
    /// By the path they are below.
    documents: Vec<(String, &'static str)>,
    page: Bytes,
    policy: HeaderValue,
}

impl DocumentsLayer {
    /// Serves the document (OpenAPI, as JSON) of each version, oldest first, and the page over it.
    ///
    /// # Errors
    /// `Internal` when the page has no valid content security policy, which would be a defect of it.
    pub fn serving(versions: &[(u16, &'static str)]) -> Result<Self, ErrorCode> {
        // Exactly this style and this script, requests to this API alone, and no markup from text
        // (Content Security Policy Level 3; Trusted Types).
        let policy = format!(
            "default-src 'none'; style-src '{}'; script-src '{}'; connect-src 'self'; base-uri 'none'; \
             form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
             trusted-types 'none'",
            digest(STYLE),
            digest(SCRIPT),
        );
        let page = MARKUP.replace("{style}", STYLE).replace("{script}", SCRIPT);
        let named = versions.iter();
        let named = named.map(|(version, document)| (format!("/v{version}"), *document));
        let newest = versions
            .last()
            .map(|(_, document)| (String::new(), *document));
        Ok(Self(Some(Arc::new(Documents {
            documents: named.chain(newest).collect(),
            page: page.into(),
            policy: HeaderValue::try_from(policy).map_err(|_| ErrorCode::Internal)?,
        }))))
    }

    /// Serves nothing.
    #[must_use]
    pub const fn none() -> Self {
        Self(None)
    }
}

/// The hash source of an inline text (Content Security Policy Level 3, section 2.3.1).
fn digest(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text)))
}

impl Documents {
    /// The answer to a request for a document or the page; none for any other.
    fn answer<B>(&self, request: &Request<B>) -> Option<Response<Body>> {
        let path = request.uri().path();
        let (below, is_page) = match (path.strip_suffix(PAGE), path.strip_suffix(DOCUMENT)) {
            (Some(below), _) => (below, true),
            (_, Some(below)) => (below, false),
            (None, None) => return None,
        };
        let (_, document) = self.documents.iter().find(|(at, _)| at == below)?;
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return Some(not_allowed(request.extensions().get()));
        }
        let mut response = if is_page {
            let headers = [
                (
                    header::CONTENT_TYPE,
                    HeaderValue::from_static("text/html; charset=utf-8"),
                ),
                (header::CONTENT_SECURITY_POLICY, self.policy.clone()),
                (
                    header::REFERRER_POLICY,
                    HeaderValue::from_static("no-referrer"),
                ),
            ];
            (headers, self.page.clone()).into_response()
        } else {
            let kind = HeaderValue::from_static("application/json");
            ([(header::CONTENT_TYPE, kind)], *document).into_response()
        };
        if *request.method() == Method::HEAD {
            *response.body_mut() = Body::empty();
        }
        Some(response)
    }
}

fn not_allowed(trace: Option<&TraceContext>) -> Response<Body> {
    let problem = Problem::method_not_allowed();
    let problem = match trace {
        Some(trace) => problem.with_trace(*trace),
        None => problem,
    };
    let allow = [(header::ALLOW, HeaderValue::from_static("GET,HEAD"))];
    (allow, problem).into_response()
}

impl<S> Layer<S> for DocumentsLayer {
    type Service = ServeDocuments<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ServeDocuments {
            documents: self.0.clone(),
            inner,
        }
    }
}

/// See [`DocumentsLayer`].
#[derive(Clone)]
pub struct ServeDocuments<S> {
    documents: Option<Arc<Documents>>,
    inner: S,
}

impl<S, B> Service<Request<B>> for ServeDocuments<S>
where
    S: Service<Request<B>, Response = Response<Body>, Error = Infallible>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Either<S::Future, Ready<Result<Response<Body>, Infallible>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let documents = self.documents.as_ref();
        match documents.and_then(|documents| documents.answer(&request)) {
            Some(response) => Either::Right(ready(Ok(response))),
            None => Either::Left(self.inner.call(request)),
        }
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;

    use super::*;

    async fn ask(layer: &DocumentsLayer, verb: Method, path: &str) -> Response<Body> {
        let inner = tower::service_fn(|_: Request<Body>| async {
            Ok::<_, Infallible>(StatusCode::IM_A_TEAPOT.into_response())
        });
        let request = Request::builder().method(verb).uri(path);
        let request = request.body(Body::empty()).unwrap();
        layer.layer(inner).oneshot(request).await.unwrap()
    }

    async fn text(response: Response<Body>) -> String {
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    #[tokio::test]
    async fn the_document_and_the_page_are_answered_and_nothing_else() {
        let layer = DocumentsLayer::serving(&[(1, "{}"), (2, "{\"openapi\":\"3.1.0\"}")]).unwrap();
        let document = ask(&layer, Method::GET, DOCUMENT).await;
        assert_eq!(document.status(), StatusCode::OK);
        assert_eq!(text(document).await, "{\"openapi\":\"3.1.0\"}");
        for (path, shown) in [
            ("/v1/openapi.json", "{}"),
            ("/v2/openapi.json", "{\"openapi\":\"3.1.0\"}"),
        ] {
            let document = ask(&layer, Method::GET, path).await;
            assert_eq!(text(document).await, shown, "{path}");
        }
        // It asks for the document beside it.
        let old = text(ask(&layer, Method::GET, "/v1/docs").await).await;
        assert_eq!(old, text(ask(&layer, Method::GET, PAGE).await).await);
        assert!(old.contains("fetch(\"openapi.json\""));
        let page = ask(&layer, Method::GET, PAGE).await;
        assert_eq!(
            page.headers()[header::CONTENT_TYPE],
            "text/html; charset=utf-8"
        );
        assert!(text(page).await.starts_with("<!doctype html>"));
        let head = ask(&layer, Method::HEAD, PAGE).await;
        assert_eq!((head.status(), text(head).await.len()), (StatusCode::OK, 0));
        let wrong = ask(&layer, Method::POST, PAGE).await;
        assert_eq!(wrong.status(), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(wrong.headers()[header::ALLOW], "GET,HEAD");
        for path in [
            "/",
            "/docs/",
            "/Docs",
            "/openapi.jso",
            "/v3/docs",
            "/v1/v1/openapi.json",
        ] {
            let passed = ask(&layer, Method::GET, path).await;
            assert_eq!(passed.status(), StatusCode::IM_A_TEAPOT, "{path}");
        }
    }

    #[tokio::test]
    async fn where_they_are_not_served_every_request_passes() {
        for path in [DOCUMENT, PAGE] {
            let passed = ask(&DocumentsLayer::none(), Method::GET, path).await;
            assert_eq!(passed.status(), StatusCode::IM_A_TEAPOT, "{path}");
        }
    }

    #[tokio::test]
    async fn the_page_asks_nobody_else_for_anything() {
        let layer = DocumentsLayer::serving(&[(1, "{}")]).unwrap();
        let page = ask(&layer, Method::GET, PAGE).await;
        let policy = page.headers()[header::CONTENT_SECURITY_POLICY].clone();
        let policy = policy.to_str().unwrap();
        assert!(policy.starts_with("default-src 'none';"));
        assert!(!policy.contains("unsafe"));
        let page = text(page).await;
        for (tag, source) in [("style", "style-src"), ("script", "script-src")] {
            let (_, rest) = page.split_once(&format!("<{tag}>")).unwrap();
            let (inline, after) = rest.split_once(&format!("</{tag}>")).unwrap();
            assert!(policy.contains(&format!("{source} '{}'", digest(inline))));
            assert!(
                !after.contains(&format!("<{tag}")),
                "one {tag} is allowed by its hash"
            );
        }
        for external in [
            "http://",
            "https://",
            "//cdn",
            "@import",
            "url(",
            "style=",
            "onclick",
            "innerHTML",
        ] {
            assert!(!page.contains(external), "{external}");
        }
    }
}
