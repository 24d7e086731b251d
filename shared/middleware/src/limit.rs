//! How often one address, one workload or one user may ask: more is refused before it costs anything.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::future::{Either, Ready, ready};
use http::{Extensions, Request};
use strata_config::Rate;
use strata_core::{Caller, ErrorCode, Principal};
use strata_limits::{Buckets, Refused};
use strata_net::{Peer, network};
use strata_telemetry::{Events, SecurityEvent};
use tower::{Layer, Service};

use crate::{refuse::Refuse, who::who};

/// Refuses with RESOURCE_EXHAUSTED who asks too often, and says when to come back.
#[derive(Clone)]
pub struct LimitLayer {
    of: Of,
    buckets: Arc<Buckets>,
    events: Events,
}

/// Whose requests are counted together.
#[derive(Clone, Copy)]
enum Of {
    Network,
    Workload,
    User,
}

impl LimitLayer {
    /// `rate` for each address, an IPv6 network of 64 bits counting as one. `most` addresses are
    /// counted each on their own.
    #[must_use]
    pub fn of_networks(rate: Rate, most: usize, events: Events) -> Self {
        Self::new(Of::Network, rate, most, events)
    }

    /// `rate` for each calling workload. Must be inside [`crate::CallersLayer`].
    #[must_use]
    pub fn of_workloads(rate: Rate, most: usize, events: Events) -> Self {
        Self::new(Of::Workload, rate, most, events)
    }

    /// `rate` for each user; a request for no user passes. Must be inside what establishes the
    /// [`Principal`].
    #[must_use]
    pub fn of_users(rate: Rate, most: usize, events: Events) -> Self {
        Self::new(Of::User, rate, most, events)
    }

    fn new(of: Of, rate: Rate, most: usize, events: Events) -> Self {
        Self {
            of,
            buckets: Arc::new(Buckets::new(rate, most)),
            events,
        }
    }

    /// The code to refuse with, and when to come back.
    fn take(&self, extensions: &Extensions) -> Result<(), (ErrorCode, Option<Refused>)> {
        let (taken, reason) = match self.of {
            Of::Network => {
                // No peer means that no listener of ours is underneath: a defect, and no open door.
                let peer = extensions.get::<Peer>();
                let address = peer.ok_or((ErrorCode::Internal, None))?.address;
                (self.buckets.take(&network(address.ip())), "network")
            }
            Of::Workload => {
                let Some(Caller::Workload(id)) = extensions.get() else {
                    return Err((ErrorCode::Internal, None));
                };
                (self.buckets.take(id.as_str()), "workload")
            }
            Of::User => {
                let Some(principal) = extensions.get::<Arc<Principal>>() else {
                    return Ok(());
                };
                (self.buckets.take(&principal.subject), "user")
            }
        };
        taken.map_err(|refused| {
            let who = who(extensions);
            let event = SecurityEvent::RateLimited { who, reason };
            self.events.emit(&event);
            (ErrorCode::ResourceExhausted, Some(refused))
        })
    }
}

impl<S> Layer<S> for LimitLayer {
    type Service = Limit<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Limit {
            layer: self.clone(),
            inner,
        }
    }
}

/// See [`LimitLayer`].
#[derive(Clone)]
pub struct Limit<S> {
    layer: LimitLayer,
    inner: S,
}

impl<S, B> Service<Request<B>> for Limit<S>
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

    fn call(&mut self, request: Request<B>) -> Self::Future {
        match self.layer.take(request.extensions()) {
            Ok(()) => Either::Left(self.inner.call(request)),
            Err((code, refused)) => {
                let response = S::Response::refuse(code, request.extensions().get());
                Either::Right(ready(Ok(match refused {
                    Some(refused) => response.retry_after(refused),
                    None => response,
                })))
            }
        }
    }
}
