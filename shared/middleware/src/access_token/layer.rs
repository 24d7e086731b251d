//! The layer that asks for a token.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::future::{Either, Ready, ready};
use http::{HeaderMap, Request, header::AUTHORIZATION};
use strata_core::ErrorCode;
use strata_net::Peer;
use strata_telemetry::{Events, SecurityEvent};
use tower::{Layer, Service};

use super::{Refused, Verifier, verify::User};
use crate::refuse::{INVALID_TOKEN, Refuse};

/// The reasons of a request without a bearer token.
const NO_TOKEN: &str = "no_token";
const NOT_BEARER: &str = "not_bearer";

/// Answers only requests with a valid access token; its [`strata_core::Principal`] and
/// [`strata_policy::Consumer`] go into the extensions, the token itself goes no further.
#[derive(Clone)]
pub struct AccessTokenLayer {
    verifier: Arc<Verifier>,
    events: Events,
}

impl AccessTokenLayer {
    /// A layer over a verifier.
    #[must_use]
    pub fn new(verifier: Verifier, events: Events) -> Self {
        Self {
            verifier: Arc::new(verifier),
            events,
        }
    }
}

impl<S> Layer<S> for AccessTokenLayer {
    type Service = RequireToken<S>;

    fn layer(&self, inner: S) -> Self::Service {
        RequireToken {
            layer: self.clone(),
            inner,
        }
    }
}

/// See [`AccessTokenLayer`].
#[derive(Clone)]
pub struct RequireToken<S> {
    layer: AccessTokenLayer,
    inner: S,
}

impl<S, B> Service<Request<B>> for RequireToken<S>
where
    S: Service<Request<B>>,
    S::Response: Refuse,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Either<S::Future, Ready<Result<S::Response, S::Error>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let peer = request.extensions().get::<Peer>();
        let certificate = peer.and_then(|peer| peer.certificate.as_ref());
        match self.layer.user(request.headers(), certificate) {
            Ok(user) => {
                request.headers_mut().remove(AUTHORIZATION);
                let extensions = request.extensions_mut();
                extensions.insert(user.principal);
                extensions.insert(user.digest);
                extensions.insert(user.consumer);
                Either::Left(self.inner.call(request))
            }
            Err(refused) => {
                let address = request.extensions().get::<Peer>().map(|peer| peer.address);
                self.layer.events.emit(&SecurityEvent::TokenRefused {
                    address,
                    reason: refused.reason,
                });
                let response = S::Response::refuse(refused.code, request.extensions().get());
                // Who gave none is asked for one; that the keys are not there yet is nobody's fault.
                let given = ![NO_TOKEN, NOT_BEARER].contains(&refused.reason);
                Either::Right(ready(Ok(
                    if given && refused.code == ErrorCode::Unauthenticated {
                        response.challenged(INVALID_TOKEN)
                    } else {
                        response
                    },
                )))
            }
        }
    }
}

impl AccessTokenLayer {
    fn user(&self, headers: &HeaderMap, certificate: Option<&[u8; 32]>) -> Result<User, Refused> {
        let refused = |reason| Refused {
            reason,
            code: ErrorCode::Unauthenticated,
        };
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let value = values.next().ok_or(refused(NO_TOKEN))?;
        if values.next().is_some() {
            return Err(refused("two_tokens"));
        }
        let (scheme, token) = value
            .to_str()
            .ok()
            .and_then(|text| text.split_once(' '))
            .ok_or(refused("malformed"))?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(refused(NOT_BEARER));
        }
        self.verifier.verify(token.trim(), certificate)
    }
}
