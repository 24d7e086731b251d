//! One request: bound, handled, answered.

use std::future::Future;

use axum::{
    extract::Request,
    response::{IntoResponse, Response},
};
use bytes::{BufMut, BytesMut};
use http::{HeaderValue, header};
use serde::{Serialize, de::DeserializeOwned};
use strata_core::{Bounded, Call, Classified, Error, ErrorCode};

use crate::{bind::bind, problem::Problem, route::Route};

/// How an answer is written.
pub(crate) type Write<T> = fn(&'static Route, T) -> Result<Response, Problem>;

/// Answers `request`. Without a call's context the handler does not run: the stack that
/// authenticates was not around it.
pub(crate) async fn answer<Req, Res, F, Fut>(
    route: &'static Route,
    request: Request,
    handler: F,
    write: Write<Res>,
) -> Response
where
    Req: DeserializeOwned + Bounded,
    F: Fn(Call, Req) -> Fut,
    Fut: Future<Output = Result<Res, Error>>,
{
    let Some(call) = request.extensions().get::<Call>().cloned() else {
        tracing::error!(
            method = route.method.name,
            "the stack gave the request no call context"
        );
        return Problem::from(ErrorCode::Internal).into_response();
    };
    let trace = call.trace;
    let answered = match bind(route, request).await {
        Ok(message) => {
            let answered = handler(call, message).await;
            answered.map_err(|error| Problem::about(error, route.fields))
        }
        Err(problem) => Err(problem),
    };
    match answered.and_then(|message| write(route, message)) {
        Ok(response) => response,
        Err(problem) => problem.with_trace(trace).into_response(),
    }
}

/// One message, as JSON.
pub(crate) fn json<T: Serialize + Classified>(
    route: &'static Route,
    mut message: T,
) -> Result<Response, Problem> {
    let content_type = HeaderValue::from_static("application/json");
    let body = text(route, &mut message)?.freeze();
    Ok(([(header::CONTENT_TYPE, content_type)], body).into_response())
}

/// A message of which something was masked. No contract has a member of that name: the build refuses
/// one.
#[derive(Serialize)]
struct Masked<'a, T> {
    #[serde(flatten)]
    message: &'a T,
    masked: Vec<String>,
}

/// The JSON form of a message, masked to whoever gets it. What was masked is named in its member
/// `masked`.
pub(crate) fn text<T: Serialize + Classified>(
    route: &Route,
    message: &mut T,
) -> Result<BytesMut, ErrorCode> {
    let masked = strata_release::answer(message);
    let mut body = BytesMut::with_capacity(1024).writer();
    let written = if masked.is_empty() {
        serde_json::to_writer(&mut body, message)
    } else {
        let masked = masked.names();
        serde_json::to_writer(&mut body, &Masked { message, masked })
    };
    // The serialiser's text can hold a value, so it is not logged.
    written.map_err(|_| {
        tracing::error!(method = route.method.name, "the answer has no JSON form");
        ErrorCode::Internal
    })?;
    Ok(body.into_inner())
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use http::{Method as HttpMethod, StatusCode};
    use serde_json::{Value, json};
    use strata_core::{
        Label, Sensitivity,
        masking::{Combination, Masking},
    };

    use super::*;
    use crate::{
        Routes,
        fixture::{Desk, GET, Order, echo, request, send, send_for},
    };

    #[tokio::test]
    async fn without_a_call_the_handler_does_not_run() {
        let ran = Arc::new(AtomicUsize::new(0));
        let routes = || {
            let ran = Arc::clone(&ran);
            Routes::<Desk>::new(1, "{}").route(&GET, move |_: Call, order: Order| {
                ran.fetch_add(1, Ordering::Relaxed);
                async move { Ok(order) }
            })
        };
        let mut bare = request(HttpMethod::GET, "/v1/orders/o-1", None, "");
        bare.extensions_mut().clear();
        let (status, body) = send(routes(), bare).await;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(body["detail"], ErrorCode::Internal.safe_message());
        assert_eq!(ran.load(Ordering::Relaxed), 0);

        let (status, _) = send(
            routes(),
            request(HttpMethod::GET, "/v1/orders/o-1", None, ""),
        )
        .await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(ran.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn what_is_masked_is_named_beside_the_members() {
        let ask = |path| request(HttpMethod::GET, path, None, "");
        let path = "/v1/orders/o-1?tags=rush&tags=";
        let (_, whole) = send_for(Sensitivity::Internal, echo(), ask(path)).await;
        assert_eq!(whole["tags"], json!(["rush", ""]));
        assert_eq!(whole.get("masked"), None);
        let (status, masked) = send_for(Sensitivity::Public, echo(), ask(path)).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(masked["tags"], json!(["r***", "***"]));
        assert_eq!(masked["masked"], json!(["tags"]));
        assert_eq!(masked["orderId"], "o-1");
        // Whether there were any is not told either.
        let (_, none) = send_for(Sensitivity::Public, echo(), ask("/v1/orders/o-1")).await;
        assert_eq!(
            (&none["tags"], &none["masked"]),
            (&json!([]), &json!(["tags"]))
        );
        assert_eq!(none["orderId"], Value::from("o-1"));
    }

    #[tokio::test]
    async fn a_handlers_error_is_its_problem() {
        let routes = Routes::<Desk>::new(1, "{}").route(&GET, |_: Call, _: Order| async move {
            Err::<Order, _>(Error::new(ErrorCode::NotFound, "there is no such order"))
        });
        let (status, body) =
            send(routes, request(HttpMethod::GET, "/v1/orders/o-1", None, "")).await;
        assert_eq!(status, StatusCode::NOT_FOUND);
        assert_eq!(body["detail"], "there is no such order");
        assert_eq!(body["trace_id"], "0000000000000000000000000000feed");
    }

    #[tokio::test]
    async fn an_error_about_a_field_names_it_as_in_json() {
        let answer = async |code, text: &'static str| {
            let handler =
                move |_: Call, _: Order| async move { Err::<Order, _>(Error::new(code, text)) };
            let routes = Routes::<Desk>::new(1, "{}").route(&GET, handler);
            send(routes, request(HttpMethod::GET, "/v1/orders/o-1", None, ""))
                .await
                .1
        };
        let wrong = ErrorCode::InvalidArgument;
        let body = answer(wrong, "page_size is too large: ask for at most 100").await;
        assert_eq!(
            body["detail"],
            "`pageSize` is too large: ask for at most 100"
        );
        assert_eq!(body["errors"][0]["path"], "pageSize");
        assert_eq!(
            body["errors"][0]["message"],
            "is too large: ask for at most 100"
        );
        let body = answer(ErrorCode::Conflict, "order_id was used before").await;
        assert_eq!(body["detail"], "`orderId` was used before");
        assert!(body.get("errors").is_none());
        // About no field, or not for the client to know.
        let body = answer(wrong, "nothing is to change: send page_size").await;
        assert_eq!(body["detail"], "nothing is to change: send page_size");
        let body = answer(ErrorCode::NotFound, "page_size has no order").await;
        assert_eq!(body["detail"], "page_size has no order");
    }

    #[tokio::test]
    async fn an_answer_without_json_form_is_internal() {
        #[derive(Serialize)]
        struct Odd {
            #[serde(serialize_with = "fails")]
            secret: &'static str,
        }
        impl Classified for Odd {
            const LABEL: Label = Label::new(Sensitivity::Public, &[]);
            const COMBINATIONS: &'static [Combination] = &[];

            fn visit(&mut self, _: &mut Masking<'_>) {}
        }
        fn fails<S: serde::Serializer>(value: &&str, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom(value))
        }
        let routes = Routes::<Desk>::new(1, "{}").route(&GET, |_: Call, _: Order| async move {
            Ok(Odd { secret: "mauve" })
        });
        let (status, body) =
            send(routes, request(HttpMethod::GET, "/v1/orders/o-1", None, "")).await;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(!body.to_string().contains("mauve"));
    }
}
