//! A method's end: told to its clients on every answer, and then held.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::{SystemTime, UNIX_EPOCH},
};

use futures_util::future::{Either, Ready, ready as answered};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use pin_project_lite::pin_project;
use strata_core::ErrorCode;
use strata_rest::Deprecation;
use tower::{Layer, Service};

use crate::refuse::{RefusalBody, Refuse};

/// Since when the method is deprecated (RFC 9745).
pub const DEPRECATION: HeaderName = HeaderName::from_static("deprecation");
/// From when on it is gone (RFC 8594).
pub const SUNSET: HeaderName = HeaderName::from_static("sunset");

/// Writes the dates of the matched method's [`Deprecation`] into every answer, and refuses with GONE
/// from its sunset on. A method without one passes as it is.
#[derive(Clone, Copy, Debug)]
pub struct DeprecationLayer;

impl<S> Layer<S> for DeprecationLayer {
    type Service = Ending<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Ending { inner }
    }
}

/// See [`DeprecationLayer`].
#[derive(Clone, Debug)]
pub struct Ending<S> {
    inner: S,
}

impl<S, B, R> Service<Request<B>> for Ending<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    R: RefusalBody,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = Told<Either<S::Future, Ready<Result<Response<R>, S::Error>>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let deprecation = request.extensions().get::<Deprecation>().copied();
        let answer = if deprecation.is_some_and(is_over) {
            let trace = request.extensions().get();
            let gone = Response::refuse(ErrorCode::Gone, trace);
            Either::Right(answered(Ok(gone)))
        } else {
            Either::Left(self.inner.call(request))
        };
        Told {
            answer,
            deprecation,
        }
    }
}

/// A clock from before 1970 tells nothing, and nothing is served by it.
fn is_over(deprecation: Deprecation) -> bool {
    deprecation.sunset.is_some_and(|sunset| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        now.map_or(true, |now| {
            i64::try_from(now.as_secs()).is_ok_and(|now| now >= sunset.at)
        })
    })
}

pin_project! {
    /// The answer, with the dates of its method.
    pub struct Told<F> {
        #[pin]
        answer: F,
        deprecation: Option<Deprecation>,
    }
}

impl<F, R, E> Future for Told<F>
where
    F: Future<Output = Result<Response<R>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut answer = ready!(this.answer.poll(cx));
        if let (Ok(answer), Some(deprecation)) = (&mut answer, this.deprecation) {
            tell(answer.headers_mut(), *deprecation);
        }
        Poll::Ready(answer)
    }
}

fn tell(headers: &mut HeaderMap, deprecation: Deprecation) {
    headers.insert(DEPRECATION, HeaderValue::from_static(deprecation.header));
    if let Some(sunset) = deprecation.sunset {
        headers.insert(SUNSET, HeaderValue::from_static(sunset.header));
    }
}
