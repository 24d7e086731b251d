//! At the edge: a transaction token in place of the access token.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::future::{Either, Ready, ready};
use http::Request;
use strata_core::{Credential, ErrorCode, Method, Principal};
use strata_tokens::{Minted, Minter, Reuse};
use tower::{Layer, Service};

use crate::{access_token::AccessTokenDigest, refuse::Refuse};

/// Makes the token that speaks for the user of a request behind the edge, with the scopes of the matched
/// [`Method`] and no other. A method without scopes acts for no user and gets none.
#[derive(Clone)]
pub struct MintLayer {
    minter: Arc<Minter>,
}

impl MintLayer {
    /// A layer over a minter.
    #[must_use]
    pub fn new(minter: Minter) -> Self {
        Self {
            minter: Arc::new(minter),
        }
    }

    fn mint<B>(&self, request: &Request<B>) -> Result<Option<Minted>, ErrorCode> {
        let extensions = request.extensions();
        let method = extensions.get::<Method>().ok_or(ErrorCode::Internal)?;
        if method.scope.is_empty() {
            return Ok(None);
        }
        let user = extensions
            .get::<Arc<Principal>>()
            .ok_or(ErrorCode::Unauthenticated)?;
        let access = extensions
            .get::<AccessTokenDigest>()
            .ok_or(ErrorCode::Internal)?;
        // Safe methods only read (RFC 9110, section 9.2.1).
        let reuse = if request.method().is_safe() {
            Reuse::Shared
        } else {
            Reuse::Never
        };
        let minted = self.minter.mint(access.0, user, method, reuse);
        minted.map(Some).map_err(|error| {
            tracing::error!(%error, "a request is refused");
            ErrorCode::Internal
        })
    }
}

impl<S> Layer<S> for MintLayer {
    type Service = Mint<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Mint {
            layer: self.clone(),
            inner,
        }
    }
}

/// See [`MintLayer`].
#[derive(Clone)]
pub struct Mint<S> {
    layer: MintLayer,
    inner: S,
}

impl<S, B> Service<Request<B>> for Mint<S>
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
        match self.layer.mint(&request) {
            Ok(minted) => {
                if let Some(Minted { token, leaf, .. }) = minted {
                    request.extensions_mut().insert(Credential {
                        token,
                        leaf,
                        narrowed: false,
                    });
                }
                Either::Left(self.inner.call(request))
            }
            Err(code) => Either::Right(ready(Ok(S::Response::refuse(
                code,
                request.extensions().get(),
            )))),
        }
    }
}
