//! An answer of many messages: lines of JSON (<https://github.com/ndjson/ndjson-spec>).

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt as _, stream::BoxStream};
use http::{HeaderValue, header};
use serde::Serialize;
use strata_core::{Classified, Error};

use crate::{answer::text, problem::Problem, route::Route};

/// The messages of a server-streaming method. The next one is asked for when the client has taken
/// what there is, so a slow client slows the stream down and fills no memory.
pub type Messages<T> = BoxStream<'static, Result<T, Error>>;

/// Each message on a line of its own. An error ends the connection instead of the body: the status
/// has long been sent, and an answer that breaks off must not look like a whole one.
pub(crate) fn lines<T: Serialize + Classified + 'static>(
    route: &'static Route,
    messages: Messages<T>,
) -> Result<Response, Problem> {
    let lines = messages.map(move |message| {
        let line = message.and_then(|mut message| Ok(text(route, &mut message)?));
        line.map(ended).inspect_err(|error| {
            let code = error.code().as_str();
            tracing::warn!(method = route.method.name, code, "the answer broke off");
        })
    });
    let content_type = HeaderValue::from_static("application/x-ndjson");
    let body = Body::from_stream(lines);
    Ok(([(header::CONTENT_TYPE, content_type)], body).into_response())
}

fn ended(mut line: BytesMut) -> Bytes {
    line.extend_from_slice(b"\n");
    line.freeze()
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, pin::Pin};

    use futures_util::stream;
    use http::Method as HttpMethod;
    use http_body::Body as _;
    use http_body_util::BodyExt as _;
    use strata_core::{Call, ErrorCode, Sensitivity};
    use tower::ServiceExt as _;

    use super::*;
    use crate::{
        Routes,
        fixture::{Desk, GET, Order, cleared, request},
    };

    async fn answered(messages: fn(Order) -> Vec<Result<Order, Error>>) -> Response {
        let routes = Routes::<Desk>::new(1, "{}")
            .stream(&GET, move |_: Call, order: Order| async move {
                Ok(stream::iter(messages(order)).boxed())
            });
        let request = request(HttpMethod::GET, "/v1/orders/o-1", None, "");
        routes.into_router().oneshot(request).await.unwrap()
    }

    #[tokio::test]
    async fn each_message_is_a_line() {
        let response = answered(|order| vec![Ok(order), Ok(Order::default())]).await;
        assert_eq!(response.headers()["content-type"], "application/x-ndjson");
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let lines = std::str::from_utf8(&body).unwrap().strip_suffix('\n');
        let lines = lines.unwrap().split('\n').map(|line| {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            line["orderId"].as_str().unwrap().to_owned()
        });
        assert_eq!(lines.collect::<Vec<_>>(), ["o-1", ""]);
    }

    #[tokio::test]
    async fn each_line_is_masked_when_it_is_written() {
        let response = answered(|order| vec![Ok(order), Ok(Order::default())]).await;
        let mut body = response.into_body();
        let release = cleared(Sensitivity::Public);
        for _ in 0..2 {
            let frame = poll_fn(|cx| release.enter(|| Pin::new(&mut body).poll_frame(cx))).await;
            let line = frame.unwrap().unwrap().into_data().unwrap();
            let line: serde_json::Value = serde_json::from_slice(&line).unwrap();
            assert_eq!(line["masked"], serde_json::json!(["tags"]));
        }
    }

    #[tokio::test]
    async fn an_error_breaks_the_answer_off() {
        let response = answered(|order| vec![Ok(order), Err(ErrorCode::Unavailable.into())]).await;
        assert!(response.into_body().collect().await.is_err());
    }
}
