//! One request: bound, handled, answered as JSON.

use std::future::Future;

use axum::{
    extract::Request,
    response::{IntoResponse, Response},
};
use bytes::{BufMut, BytesMut};
use http::{HeaderValue, header};
use serde::{Serialize, de::DeserializeOwned};
use strata_core::{Call, Error, ErrorCode};

use crate::{bind::bind, problem::Problem, route::Route};

/// Answers `request`. Without a call's context the handler does not run: the stack that
/// authenticates was not around it.
pub(crate) async fn answer<Req, Res, F, Fut>(
    route: &'static Route,
    request: Request,
    handler: F,
) -> Response
where
    Req: DeserializeOwned,
    Res: Serialize,
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
        Ok(message) => handler(call, message).await.map_err(Problem::from),
        Err(problem) => Err(problem),
    };
    match answered.and_then(|message| json(route, &message)) {
        Ok(response) => response,
        Err(problem) => problem.with_trace(trace).into_response(),
    }
}

fn json<T: Serialize>(route: &Route, message: &T) -> Result<Response, Problem> {
    let mut body = BytesMut::with_capacity(1024).writer();
    // The serialiser's text can hold a value, so it is not logged.
    serde_json::to_writer(&mut body, message).map_err(|_| {
        tracing::error!(method = route.method.name, "the answer has no JSON form");
        Problem::from(ErrorCode::Internal)
    })?;
    let content_type = HeaderValue::from_static("application/json");
    Ok((
        [(header::CONTENT_TYPE, content_type)],
        body.into_inner().freeze(),
    )
        .into_response())
}
