//! A method's end is told on every answer, and held from its date on.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    convert::Infallible,
    time::{SystemTime, UNIX_EPOCH},
};

use axum::body::Body;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::Value;
use strata_core::TraceContext;
use strata_middleware::DeprecationLayer;
use strata_rest::{Deprecation, Sunset};
use tower::{Layer as _, ServiceExt as _, service_fn};

const SINCE: &str = "@1790812800";
const DATE: &str = "Wed, 01 Oct 2031 00:00:00 GMT";

fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(now.as_secs()).unwrap()
}

/// The answer of a method that ends so, whose handler answers with `status`.
async fn ask(deprecation: Option<Deprecation>, status: StatusCode) -> Response<Body> {
    let inner = service_fn(move |_: Request<()>| async move {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = status;
        Ok::<_, Infallible>(response)
    });
    let mut request = Request::new(());
    request.extensions_mut().insert(TraceContext {
        trace_id: 7,
        span_id: 1,
        sampled: false,
    });
    if let Some(deprecation) = deprecation {
        request.extensions_mut().insert(deprecation);
    }
    let service = DeprecationLayer.layer(inner);
    service.oneshot(request).await.unwrap()
}

const fn ending(sunset: Option<i64>) -> Deprecation {
    let sunset = match sunset {
        Some(at) => Some(Sunset { at, header: DATE }),
        None => None,
    };
    Deprecation {
        header: SINCE,
        sunset,
    }
}

fn told(headers: &HeaderMap) -> [Option<&str>; 2] {
    ["deprecation", "sunset"].map(|name| Some(headers.get(name)?.to_str().unwrap()))
}

#[tokio::test]
async fn every_answer_tells_when_its_method_ends() {
    let later = ending(Some(now() + 3_600));
    for status in [
        StatusCode::OK,
        StatusCode::FORBIDDEN,
        StatusCode::INTERNAL_SERVER_ERROR,
    ] {
        let answer = ask(Some(later), status).await;
        assert_eq!(answer.status(), status);
        assert_eq!(told(answer.headers()), [Some(SINCE), Some(DATE)]);
        let answer = ask(Some(ending(None)), status).await;
        assert_eq!(answer.status(), status);
        assert_eq!(told(answer.headers()), [Some(SINCE), None]);
        let answer = ask(None, status).await;
        assert_eq!(answer.status(), status);
        assert_eq!(told(answer.headers()), [None, None]);
    }
}

#[tokio::test]
async fn from_its_sunset_on_a_method_is_gone() {
    let before = ask(Some(ending(Some(now() + 3_600))), StatusCode::OK).await;
    assert_eq!(before.status(), StatusCode::OK);
    for at in [now(), now() - 3_600, 0] {
        let gone = ask(Some(ending(Some(at))), StatusCode::OK).await;
        assert_eq!(gone.status(), StatusCode::GONE);
        assert_eq!(told(gone.headers()), [Some(SINCE), Some(DATE)]);
        let body = gone.into_body().collect().await.unwrap().to_bytes();
        let problem: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(
            (&problem["status"], &problem["code"]),
            (&410.into(), &"GONE".into())
        );
        assert_eq!(problem["trace_id"], format!("{:032x}", 7));
    }
}
