//! The accept loop and the drain.

use std::{convert::Infallible, io, net::SocketAddr, sync::Arc, time::Duration};

use http_body::Body;
use hyper::{Request, Response, body::Incoming};
use rustix::io::Errno;
use strata_telemetry::{Events, SecurityEvent};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tower::Service;

use crate::{connection::Connections, limits::Limits, transport::Transport};

/// After a failed accept, most often for want of file descriptors: a loop without a pause would
/// spin until one is free (<https://github.com/hyperium/hyper/issues/1358>,
/// <https://github.com/tokio-rs/axum/pull/2400>).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How a listener ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drained {
    /// Connections that were still busy at the drain deadline.
    pub aborted: usize,
}

/// Serves `service` on `listener` until `shutdown`, then drains: no new connection, GOAWAY on the
/// open ones, requests in flight complete, and at [`Limits::drain_timeout`] what is left is
/// aborted. Every request carries its [`Peer`](crate::Peer) in the extensions.
pub async fn serve<S, B>(
    listener: TcpListener,
    transport: Transport,
    service: S,
    limits: &Limits,
    events: Events,
    shutdown: CancellationToken,
) -> Drained
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send + 'static,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let connections = Arc::new(Connections::new(transport, limits.clone(), events));
    let slots = Arc::new(Semaphore::new(limits.connections));
    let mut tasks = JoinSet::new();
    while let Some((stream, address, slot)) = shutdown
        .run_until_cancelled(accept(&listener, &slots, &connections.events))
        .await
        .flatten()
    {
        while tasks.try_join_next().is_some() {}
        let (connections, service, shutdown) =
            (connections.clone(), service.clone(), shutdown.clone());
        tasks.spawn(async move {
            connections.run(stream, address, service, shutdown).await;
            drop(slot);
        });
    }
    drop(listener);
    drain(tasks, limits.drain_timeout).await
}

/// The next connection, once there is a slot for it.
async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
    events: &Events,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let slot = slots.clone().acquire_owned().await.ok()?;
    loop {
        match listener.accept().await {
            Ok((stream, address)) => return Some((stream, address, slot)),
            // The peer was gone before it was its turn.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                tracing::debug!(%error, "cannot accept a connection");
                let reason = match Errno::from_io_error(&error) {
                    Some(Errno::MFILE | Errno::NFILE) => "no_descriptors",
                    _ => "cannot_accept",
                };
                events.emit(&SecurityEvent::ListenerStarved { reason });
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// tonic's and axum's wait for the last connection without a deadline
/// (<https://github.com/grpc/grpc-rust/issues/1820>), and one that does not answer GOAWAY may never
/// end (<https://github.com/hyperium/hyper/issues/4170>).
async fn drain(mut tasks: JoinSet<()>, deadline: Duration) -> Drained {
    let all = async { while tasks.join_next().await.is_some() {} };
    if timeout(deadline, all).await.is_ok() {
        return Drained { aborted: 0 };
    }
    let aborted = tasks.len();
    tracing::warn!(
        aborted,
        "connections still busy at the drain deadline are aborted"
    );
    tasks.shutdown().await;
    Drained { aborted }
}
