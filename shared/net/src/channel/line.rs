//! One connection to an endpoint, from its first byte to its last.

use std::{
    future::poll_fn,
    num::NonZeroU32,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
    time::Duration,
};

use bytes::Bytes;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use h2::{
    Ping, PingPong,
    client::{self, Connection, SendRequest},
};
use tokio::{
    net::TcpStream,
    runtime::Handle,
    sync::Notify,
    time::{sleep, timeout},
};
use tokio_rustls::client::TlsStream;
use tokio_util::sync::CancellationToken;

use super::endpoint::Endpoint;
use crate::{
    connector::{CONNECT_TIMEOUT, Connector},
    error::NetError,
    guarded::Guarded,
};

/// An endpoint that went away without a word, such as behind a network that swallows everything, is
/// asked so often whether it is there, calls or no calls, and has so long to say so.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(5);

/// Head of an answer (RFC 9113, section 6.5.2).
const HEADER_BYTES: u32 = 16 * 1024;

/// What may arrive before it is asked for. The connection's bounds all its streams together.
const STREAM_WINDOW: u32 = 512 * 1024;
const CONNECTION_WINDOW: u32 = 4 * 1024 * 1024;

/// Calls given up are remembered, so that answers that come too late are no errors of the callee.
const RESETS: usize = 1024;

/// Calls given up, at once and a second: half of what a callee of the estate takes before it holds
/// it for an attack, and cuts off whoever shares the connection.
const GIVEN_UP: Quota =
    Quota::per_second(NonZeroU32::new(400).unwrap()).allow_burst(NonZeroU32::new(160).unwrap());

/// A connection that takes calls.
pub(super) struct Line {
    pub(super) endpoint: Arc<Endpoint>,
    pub(super) sender: SendRequest<Bytes>,
    /// Cancelled when it takes no further call.
    pub(super) leaving: CancellationToken,
    answered: AtomicBool,
    doubted: Arc<Notify>,
    given_up: DefaultDirectRateLimiter,
}

/// What moves a connection's bytes until its end.
pub(super) struct Drive {
    connection: Connection<Guarded<TlsStream<TcpStream>>, Bytes>,
    probe: SendRequest<Bytes>,
    pings: PingPong,
    leaving: CancellationToken,
    doubted: Arc<Notify>,
}

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum Ended {
    #[error(transparent)]
    Http2(#[from] h2::Error),
    #[error("it does not answer")]
    Unresponsive,
}

impl Line {
    /// Connects, and waits until the other end speaks: in TLS 1.3 it may still refuse this side when
    /// the handshake is over here.
    pub(super) async fn open(
        endpoint: &Arc<Endpoint>,
        connector: &Connector,
        leaving: CancellationToken,
    ) -> Result<(Self, Drive), NetError> {
        let address = endpoint.address;
        let opening = async {
            let stream = connector.connect(address, leaving.clone()).await?;
            handshake(stream)
                .await
                .map_err(|source| NetError::http2(address, source))
        };
        let (sender, connection, pings) = timeout(CONNECT_TIMEOUT, opening)
            .await
            .unwrap_or_else(|_| Err(NetError::TimedOut(address.to_string())))?;
        let doubted = Arc::new(Notify::new());
        let line = Self {
            endpoint: Arc::clone(endpoint),
            sender: sender.clone(),
            leaving: leaving.clone(),
            answered: AtomicBool::new(false),
            doubted: Arc::clone(&doubted),
            given_up: RateLimiter::direct(GIVEN_UP),
        };
        let drive = Drive {
            connection,
            probe: sender,
            pings,
            leaving,
            doubted,
        };
        Ok((line, drive))
    }

    pub(super) fn answered(&self) {
        if !self.has_answered() {
            self.answered.store(true, Ordering::Relaxed);
        }
    }

    /// Whether it ever was of use.
    pub(super) fn has_answered(&self) -> bool {
        self.answered.load(Ordering::Relaxed)
    }

    /// Lets go of a call under way, which resets its stream: at once where that is not too often, and
    /// else when it is no longer, unless the answer has come until then.
    pub(super) fn give_up(self: Arc<Self>, rest: impl Future<Output = ()> + Send + 'static) {
        if self.given_up.check().is_ok() {
            return;
        }
        // What is dropped with the runtime needs no further care.
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        runtime.spawn(async move {
            tokio::select! {
                () = rest => {}
                () = self.given_up.until_ready() => {}
            }
        });
    }

    /// Has the other end asked at once whether it is there.
    pub(super) fn doubt(&self) {
        self.doubted.notify_one();
    }
}

type Open<IO> = (SendRequest<Bytes>, Connection<IO, Bytes>, PingPong);

async fn handshake(
    stream: Guarded<TlsStream<TcpStream>>,
) -> Result<Open<Guarded<TlsStream<TcpStream>>>, h2::Error> {
    let (sender, mut connection) = client::Builder::new()
        .enable_push(false)
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_header_list_size(HEADER_BYTES)
        .max_concurrent_reset_streams(RESETS)
        .handshake(stream)
        .await?;
    let closed = || h2::Error::from(h2::Reason::NO_ERROR);
    let mut pings = connection.ping_pong().ok_or_else(closed)?;
    tokio::select! {
        biased;
        ended = &mut connection => return Err(ended.err().unwrap_or_else(closed)),
        pong = pings.ping(Ping::opaque()) => pong?,
    };
    Ok((sender, connection, pings))
}

impl Drive {
    /// Until the connection is over. Once it takes no further calls, those under way complete.
    pub(super) async fn run(mut self) -> Result<(), Ended> {
        let mut probe = Some(self.probe);
        let mut left = pin!(self.leaving.cancelled());
        let mut silent = pin!(silence(self.pings, &self.doubted));
        poll_fn(|cx| {
            if let Poll::Ready(ended) = Pin::new(&mut self.connection).poll(cx) {
                return Poll::Ready(ended.map_err(Ended::from));
            }
            // h2 tells of GOAWAY only who asks, and only those who hold no sender let it close.
            if let Some(sender) = &mut probe {
                if matches!(sender.poll_ready(cx), Poll::Ready(Err(_))) {
                    self.leaving.cancel();
                }
                if left.as_mut().poll(cx).is_ready() {
                    probe = None;
                }
            }
            silent.as_mut().poll(cx).map(Err)
        })
        .await
    }
}

/// Completes when the other end does not answer.
async fn silence(mut pings: PingPong, doubted: &Notify) -> Ended {
    loop {
        tokio::select! {
            () = sleep(KEEPALIVE_INTERVAL) => {}
            () = doubted.notified() => {}
        }
        match timeout(KEEPALIVE_TIMEOUT, pings.ping(Ping::opaque())).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => return error.into(),
            Err(_) => return Ended::Unresponsive,
        }
    }
}
