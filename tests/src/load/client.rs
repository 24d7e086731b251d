//! A user's client that keeps a few HTTP/2 connections to one edge.

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicUsize, Ordering},
};

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use strata_testkit::Dialer;
use tokio::sync::Mutex;

type Sender = SendRequest<Full<Bytes>>;

/// Sends requests over its connections in turn. A connection that is over is made anew with the next
/// request. What has provably not been sent goes over another one, once; nothing else is repeated.
pub struct Client {
    address: SocketAddr,
    dialer: Dialer,
    connections: Vec<Mutex<Option<Sender>>>,
    turn: AtomicUsize,
}

impl Client {
    /// Of the edge at `address`. Connects when first used.
    #[must_use]
    pub fn new(address: SocketAddr, dialer: Dialer, connections: usize) -> Self {
        Self {
            address,
            dialer,
            connections: (0..connections).map(|_| Mutex::new(None)).collect(),
            turn: AtomicUsize::new(0),
        }
    }

    /// Asks, and reads the whole answer.
    ///
    /// # Errors
    /// When no connection comes about, or it ends before the answer does.
    pub async fn ask(&self, mut request: Request<Bytes>) -> Result<(StatusCode, Bytes)> {
        *request.version_mut() = http::Version::HTTP_2;
        let mut request = request.map(Full::new);
        for _ in 0..2 {
            let mut sender = self.sender().await?;
            match sender.try_send_request(request).await {
                Ok(answer) => {
                    let (head, body) = answer.into_parts();
                    return Ok((head.status, body.collect().await?.to_bytes()));
                }
                Err(mut error) => match error.take_message() {
                    Some(unsent) => request = unsent,
                    None => bail!(error.into_error()),
                },
            }
        }
        bail!("two connections were over before the request was sent")
    }

    async fn sender(&self) -> Result<Sender> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % self.connections.len();
        let connection = self.connections.get(turn).context("there is none")?;
        let mut held = connection.lock().await;
        if let Some(sender) = held.as_mut().filter(|sender| !sender.is_closed()) {
            return Ok(sender.clone());
        }
        let stream = TokioIo::new(self.dialer.connect(self.address).await?);
        let (sender, connection) = Builder::new(TokioExecutor::new()).handshake(stream).await?;
        // What ends it is told to the requests under way.
        tokio::spawn(connection);
        Ok(held.insert(sender).clone())
    }
}
