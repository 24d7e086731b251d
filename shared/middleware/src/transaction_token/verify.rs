//! At a hop: the user is whom the token speaks of, whoever passed it on.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::future::{Either, Ready, ready};
use http::Request;
use strata_core::{Caller, Credential, ErrorCode, Method};
use strata_telemetry::{Events, SecurityEvent};
use strata_tokens::{Refused, Verifier};
use tower::{Layer, Service};

use super::metadata::{Malformed, take};
use crate::{refuse::Refuse, who::who};

/// Puts the [`strata_core::Principal`] of a valid transaction token into the request's extensions, narrowed to what the
/// caller says beside it. A request with a token that is not valid is refused; one without a token acts
/// for no user.
#[derive(Clone)]
pub struct TransactionTokenLayer {
    verifier: Arc<Verifier>,
    events: Events,
}

impl TransactionTokenLayer {
    /// A layer over a verifier, which reports refusals to `events`.
    #[must_use]
    pub fn new(verifier: Verifier, events: Events) -> Self {
        Self {
            verifier: Arc::new(verifier),
            events,
        }
    }

    fn read<B>(&self, request: &mut Request<B>) -> Result<(), Refused> {
        let (token, narrowing) =
            take(request.headers_mut()).map_err(|Malformed| Refused("token_metadata_malformed"))?;
        let Some((mut token, leaf)) = token else {
            return Ok(());
        };
        token.set_sensitive(true);
        let text = token.to_str().map_err(|_| Refused("token_malformed"))?;
        let verified = self.verifier.verify(text, &leaf)?;
        // An Experience API passes on its own tokens: those of another have come to it wrongly.
        if let Some(Caller::Workload(caller)) = request.extensions().get()
            && caller.layer() == strata_core::Layer::Experience
            && *caller != verified.requester
        {
            return Err(Refused("token_of_another_requester"));
        }
        let narrowed = narrowing.is_some();
        let principal = match narrowing {
            None => verified.principal,
            Some((scopes, clearance)) => {
                let scopes = scopes.to_str();
                let scopes = scopes.map_err(|_| Refused("token_metadata_malformed"))?;
                Arc::new(verified.principal.narrowed_to(scopes, clearance))
            }
        };
        let extensions = request.extensions_mut();
        extensions.insert(principal);
        extensions.insert(Credential {
            token,
            leaf,
            narrowed,
        });
        Ok(())
    }

    fn report<B>(&self, request: &Request<B>, Refused(reason): Refused) {
        let extensions = request.extensions();
        let method = extensions.get::<Method>();
        self.events.emit(&SecurityEvent::CallRefused {
            who: who(extensions),
            method: method.map_or("unmatched", |method| method.path),
            resource: None,
            reason,
        });
    }
}

impl<S> Layer<S> for TransactionTokenLayer {
    type Service = VerifyTransactionToken<S>;

    fn layer(&self, inner: S) -> Self::Service {
        VerifyTransactionToken {
            layer: self.clone(),
            inner,
        }
    }
}

/// See [`TransactionTokenLayer`].
#[derive(Clone)]
pub struct VerifyTransactionToken<S> {
    layer: TransactionTokenLayer,
    inner: S,
}

impl<S, B> Service<Request<B>> for VerifyTransactionToken<S>
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
        match self.layer.read(&mut request) {
            Ok(()) => Either::Left(self.inner.call(request)),
            Err(refused) => {
                self.layer.report(&request, refused);
                Either::Right(ready(Ok(S::Response::refuse(
                    ErrorCode::Unauthenticated,
                    request.extensions().get(),
                ))))
            }
        }
    }
}
