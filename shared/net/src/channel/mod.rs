//! The way to another service: the one place calls leave by.
//!
//! Over h2 itself, not over hyper's client or tonic's channel: those pass each call through a queue
//! and a task of its own, and say nothing of a connection that is being left before a call has
//! failed on it. Here a call is a clone of a sender.

mod answer;
mod call;
mod ejection;
mod endpoint;
mod line;
mod outgoing;
mod pool;
mod resolve;

use std::{
    sync::{Arc, Mutex, OnceLock, PoisonError},
    task::{Context, Poll},
};

use http::{Response, uri::Authority};
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use strata_telemetry::{Events, UpstreamMetrics};
use strata_tls::Peers;
use tokio_util::task::AbortOnDropHandle;
use tower::Service;

pub use self::{
    answer::Answer,
    call::{CallError, Calling},
    outgoing::{Outgoing, Payload},
};
use self::{pool::Pool, resolve::Resolver};
use crate::{connector::Connector, error::NetError};

/// A service to be called.
pub struct Callee<'a> {
    /// Its name.
    pub name: &'a str,
    /// Where it is: host:port each. Every address of a DNS name counts.
    pub endpoints: &'a [String],
    /// What it must prove.
    pub config: Arc<ClientConfig>,
    /// Among whom it must stay.
    pub callees: Peers,
    /// Calls under way at once at most.
    pub calls: usize,
    /// Told of who is refused.
    pub events: Events,
    /// Told of calls and endpoints.
    pub metrics: UpstreamMetrics,
}

/// A channel to a service. From the first call or [`Channel::connected`] on, and for as long as a
/// clone exists, it keeps a connection to each address of the service.
///
/// # Errors
/// [`NetError::Endpoint`] when an endpoint is not host:port or the name no service name.
pub fn channel(callee: Callee<'_>) -> Result<Channel, NetError> {
    let invalid = || NetError::Endpoint(callee.name.to_owned());
    let name = ServerName::try_from(callee.name.to_owned()).map_err(|_| invalid())?;
    let authority: Authority = callee.name.parse().map_err(|_| invalid())?;
    let upstream: Arc<str> = callee.name.into();
    let connector = Connector::new(
        callee.config,
        callee.callees,
        Arc::clone(&upstream),
        name,
        callee.events,
    );
    let pool = Pool::new(upstream, authority, callee.calls, callee.metrics);
    let pool = Arc::new(pool);
    let resolver = Resolver::new(callee.endpoints, Arc::clone(&pool), connector)?;
    Ok(Channel(Arc::new(Shared {
        pool,
        resolver: Mutex::new(Some(resolver)),
        resolving: OnceLock::new(),
    })))
}

/// A way to one upstream. Cheap to clone; clones share connections. Calls under way complete when
/// the last clone is gone.
#[derive(Clone)]
pub struct Channel(Arc<Shared>);

struct Shared {
    pool: Arc<Pool>,
    /// What is still to be started.
    resolver: Mutex<Option<Resolver>>,
    resolving: OnceLock<AbortOnDropHandle<()>>,
}

impl Channel {
    /// Completes when a call can be sent, and nothing is left to be tried for the first time.
    pub async fn connected(&self) {
        self.start();
        self.0.pool.warm().await;
    }

    /// Not before somebody needs it: a service that does not start has nothing to say of others.
    fn start(&self) {
        if self.0.resolving.get().is_some() {
            return;
        }
        let resolver = self.0.resolver.lock();
        if let Some(resolver) = resolver.unwrap_or_else(PoisonError::into_inner).take() {
            let resolving = AbortOnDropHandle::new(tokio::spawn(resolver.run()));
            // The resolver was taken, so nobody else sets it.
            let _ = self.0.resolving.set(resolving);
        }
    }
}

impl Service<Outgoing> for Channel {
    type Response = Response<Answer>;
    type Error = CallError;
    type Future = Calling;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), CallError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, outgoing: Outgoing) -> Calling {
        self.start();
        Calling::begin(&self.0.pool, outgoing)
    }
}
