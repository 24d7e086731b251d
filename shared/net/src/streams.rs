//! A deadline for each exchange. hyper has none once a handler has answered: neither for a request's
//! body that does not end nor for a peer that does not take the answer
//! (<https://github.com/hyperium/hyper/issues/1628>, <https://github.com/hyperium/hyper/issues/2864>).

use std::{future::pending, net::SocketAddr, time::Duration};

use hyper::rt::Executor;
use strata_telemetry::{Events, SecurityEvent};
use tokio::{
    sync::watch,
    time::{Instant, sleep_until, timeout},
};

pub(crate) const SLOW: &str = "slow_exchange";

/// Runs the streams of one HTTP/2 connection. One that takes too long is dropped, which resets it
/// (RFC 9113, section 5.4.2) and leaves the others alone: while a window is closed hyper polls
/// neither handler nor body, so no layer above could do it.
#[derive(Clone)]
pub(crate) struct Streams {
    pub(crate) longest: Duration,
    pub(crate) address: SocketAddr,
    pub(crate) events: Events,
}

impl<F> Executor<F> for Streams
where
    F: Future + Send + 'static,
{
    fn execute(&self, stream: F) {
        let Self {
            longest,
            address,
            events,
        } = self.clone();
        tokio::spawn(async move {
            if timeout(longest, stream).await.is_err() {
                events.emit(&SecurityEvent::PeerLimited {
                    address,
                    reason: SLOW,
                });
            }
        });
    }
}

/// Completes when an HTTP/1.1 connection has been busy with one request for too long. `heads` has
/// the moment of the last request; idle connections hyper closes itself, sooner than this.
pub(crate) async fn overdue(mut heads: watch::Receiver<Option<Instant>>, longest: Duration) {
    loop {
        let last = *heads.borrow_and_update();
        let over = async {
            match last {
                Some(last) => sleep_until(last + longest).await,
                None => pending().await,
            }
        };
        tokio::select! {
            () = over => return,
            next = heads.changed() => if next.is_err() {
                pending::<()>().await;
            }
        }
    }
}
