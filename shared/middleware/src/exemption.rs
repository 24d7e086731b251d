//! At the caller: what only an exemption lets through ends with its last day, while the service runs too.

use std::task::{Context, Poll};

use futures_util::future::{Either, Ready, ready};
use strata_config::Expires;
use strata_core::ErrorCode;
use strata_telemetry::{Events, SecurityEvent};
use tonic::Status;
use tower::{Layer, Service};

use crate::{outbound::OnBehalfOf, status::into_status};

/// Refuses every call to an upstream once the exemption for it is over. Without an exemption, which is
/// how the rule of the layers has it, nothing ends.
#[derive(Clone, Debug)]
pub struct ExemptionLayer {
    upstream: &'static str,
    // The stack is cloned for each call: where there is no exemption that must cost nothing.
    exemption: Option<(Expires, Events)>,
}

impl ExemptionLayer {
    /// A layer over calls to `upstream`, with the last day of the exemption for it, if it takes one, and
    /// what is told of those refused.
    #[must_use]
    pub const fn new(upstream: &'static str, exemption: Option<(Expires, Events)>) -> Self {
        Self {
            upstream,
            exemption,
        }
    }
}

impl<S> Layer<S> for ExemptionLayer {
    type Service = UntilExpired<S>;

    fn layer(&self, inner: S) -> Self::Service {
        UntilExpired {
            layer: self.clone(),
            inner,
        }
    }
}

/// See [`ExemptionLayer`].
#[derive(Clone, Debug)]
pub struct UntilExpired<S> {
    layer: ExemptionLayer,
    inner: S,
}

impl<S> Service<OnBehalfOf> for UntilExpired<S>
where
    S: Service<OnBehalfOf, Error = Status>,
{
    type Response = S::Response;
    type Error = Status;
    type Future = Either<S::Future, Ready<Result<S::Response, Status>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Status>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: OnBehalfOf) -> Self::Future {
        match &self.layer.exemption {
            Some((expires, events)) if expires.is_over() => {
                events.emit(&SecurityEvent::UpstreamRefused {
                    upstream: self.layer.upstream,
                    reason: "exemption_expired",
                });
                let refused = into_status(ErrorCode::PermissionDenied.into());
                Either::Right(ready(Err(refused)))
            }
            _ => Either::Left(self.inner.call(request)),
        }
    }
}
