//! How a [`Principal`] travels between workloads: one metadata entry, written and read here and
//! nowhere else. It is believed only behind [`crate::CallersLayer`], which runs first, and the edge
//! strips it from what comes in from outside.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use futures_util::future::{Either, Ready, ready};
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use strata_core::{ErrorCode, Principal};
use tower::{Layer, Service};

use crate::refuse::Refuse;

/// The metadata entry. Everything under this prefix is the estate's own.
pub const HEADER: HeaderName = HeaderName::from_static("strata-principal");
/// Headers with this prefix never come in from outside.
pub(crate) const RESERVED_PREFIX: &str = "strata-";

/// The principal cannot be written or read.
#[derive(Debug, thiserror::Error)]
#[error("the principal does not decode: it must come from this estate's own edge")]
pub struct BadPrincipal;

/// A principal as it travels, as a request extension: made once at the edge, and handed on by every
/// hop as it came.
#[derive(Clone)]
pub(crate) struct Credential(pub(crate) HeaderValue);

/// Writes the principal.
///
/// # Errors
/// [`BadPrincipal`] when it does not serialise.
pub fn write(principal: &Principal, headers: &mut HeaderMap) -> Result<(), BadPrincipal> {
    headers.insert(HEADER, encode(principal)?);
    Ok(())
}

/// The value of the metadata entry.
pub(crate) fn encode(principal: &Principal) -> Result<HeaderValue, BadPrincipal> {
    let json = serde_json::to_vec(principal).map_err(|_| BadPrincipal)?;
    let mut value =
        HeaderValue::from_str(&URL_SAFE_NO_PAD.encode(json)).map_err(|_| BadPrincipal)?;
    // Sensitive: kept out of HPACK's dynamic table and of header dumps.
    value.set_sensitive(true);
    Ok(value)
}

/// Takes the principal out of the headers.
///
/// # Errors
/// [`BadPrincipal`] when an entry is there and does not decode, or is there twice.
pub fn take(headers: &mut HeaderMap) -> Result<Option<Principal>, BadPrincipal> {
    Ok(take_both(headers)?.map(|(principal, _)| principal))
}

fn take_both(headers: &mut HeaderMap) -> Result<Option<(Principal, HeaderValue)>, BadPrincipal> {
    if headers.get_all(HEADER).iter().nth(1).is_some() {
        return Err(BadPrincipal);
    }
    let Some(mut value) = headers.remove(HEADER) else {
        return Ok(None);
    };
    value.set_sensitive(true);
    let json = URL_SAFE_NO_PAD
        .decode(value.as_bytes())
        .map_err(|_| BadPrincipal)?;
    let principal = serde_json::from_slice(&json).map_err(|_| BadPrincipal)?;
    Ok(Some((principal, value)))
}

/// Puts the principal an allowed workload sent into the request's extensions.
#[derive(Clone, Copy, Debug)]
pub struct PrincipalLayer;

impl<S> Layer<S> for PrincipalLayer {
    type Service = ReadPrincipal<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ReadPrincipal { inner }
    }
}

/// See [`PrincipalLayer`].
#[derive(Clone, Debug)]
pub struct ReadPrincipal<S> {
    inner: S,
}

impl<S, B> Service<Request<B>> for ReadPrincipal<S>
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
        match take_both(request.headers_mut()) {
            Ok(taken) => {
                if let Some((principal, value)) = taken {
                    let extensions = request.extensions_mut();
                    extensions.insert(Arc::new(principal));
                    extensions.insert(Credential(value));
                }
                Either::Left(self.inner.call(request))
            }
            Err(BadPrincipal) => Either::Right(ready(Ok(S::Response::refuse(
                ErrorCode::Unauthenticated,
                request.extensions().get(),
            )))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn principal() -> Principal {
        Principal {
            subject: "cus_000001".to_owned(),
            roles: vec!["customer".to_owned()],
            scopes: vec!["overview:read".to_owned()],
            region: Some("uk".to_owned()),
            clearance: strata_core::Clearance::default(),
        }
    }

    #[test]
    fn travels_whole_and_only_once() {
        let mut headers = HeaderMap::new();
        assert!(take(&mut headers).unwrap().is_none());
        write(&principal(), &mut headers).unwrap();
        let twice = headers[HEADER].clone();
        assert!(take(&mut headers.clone()).unwrap() == Some(principal()));
        headers.append(HEADER, twice);
        assert!(take(&mut headers).is_err());
    }

    #[test]
    fn what_does_not_decode_is_refused() {
        for bad in ["", "%%%", "e30x", "bm90IGpzb24"] {
            let mut headers = HeaderMap::new();
            headers.insert(HEADER, HeaderValue::from_static(bad));
            assert!(take(&mut headers).is_err(), "{bad}");
        }
    }
}
