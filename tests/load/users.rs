//! Signed-in users of one Experience API, all at once, over a few HTTP/2 connections.

use std::{
    net::Ipv4Addr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use http::{Request, StatusCode, Uri, header::AUTHORIZATION};
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use strata_testkit::Dialer;
use tokio::task::JoinSet;

const CONNECTIONS: usize = 8;
const UNDER_WAY: usize = 32;

/// Who the bare chain believes a request is from. The estate removes it.
pub(crate) const CUSTOMER: &str = "x-customer";

/// A user: id and access token.
pub(crate) struct User {
    pub(crate) id: String,
    pub(crate) token: String,
}

/// Connections to one server.
pub(crate) struct Users {
    connections: Vec<SendRequest<Empty<Bytes>>>,
    users: Arc<[User]>,
    uri: Uri,
}

impl Users {
    /// Connects to `base` (`https://localhost:<port>`), whose certificate the CA in `ca` signed.
    pub(crate) async fn connect(
        base: &str,
        path: &str,
        ca: &Path,
        users: Arc<[User]>,
    ) -> Result<Self> {
        let uri: Uri = format!("{base}{path}").parse()?;
        let port = uri.port_u16().context("the URL has no port")?;
        let dialer = Dialer::edge(ca, &[b"h2"])?;
        let mut connections = Vec::new();
        for _ in 0..CONNECTIONS {
            let stream = dialer.connect((Ipv4Addr::LOCALHOST, port).into()).await?;
            let (sender, connection) =
                http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
            tokio::spawn(connection);
            connections.push(sender);
        }
        Ok(Self {
            connections,
            users,
            uri,
        })
    }

    /// Sends `count` requests, of one user after another from the one numbered `first`. Every one must be
    /// answered.
    pub(crate) async fn send(&self, first: usize, count: usize) -> Result<()> {
        let next = Arc::new(AtomicUsize::new(first));
        let mut tasks = JoinSet::new();
        for task in 0..UNDER_WAY {
            let connection = self.connections.get(task % CONNECTIONS);
            let mut connection = connection.context("there is no connection")?.clone();
            let (next, users, uri) = (next.clone(), self.users.clone(), self.uri.clone());
            tasks.spawn(async move {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= first + count {
                        return anyhow::Ok(());
                    }
                    let user = users.get(number % users.len()).context("no users")?;
                    let (status, body) = ask(&mut connection, &uri, user).await?;
                    ensure!(
                        status == StatusCode::OK,
                        "{status} for {}: {body:?}",
                        user.id
                    );
                }
            });
        }
        while let Some(ended) = tasks.join_next().await {
            ended??;
        }
        Ok(())
    }

    /// What the server answers one user.
    pub(crate) async fn answer(&self, user: usize) -> Result<Bytes> {
        let connection = self.connections.first().context("there is no connection")?;
        let user = self.users.get(user).context("no such user")?;
        let (status, body) = ask(&mut connection.clone(), &self.uri, user).await?;
        ensure!(status == StatusCode::OK, "{status}: {body:?}");
        Ok(body)
    }
}

async fn ask(
    connection: &mut SendRequest<Empty<Bytes>>,
    uri: &Uri,
    user: &User,
) -> Result<(StatusCode, Bytes)> {
    let request = Request::get(uri.clone())
        .header(AUTHORIZATION, &user.token)
        .header(CUSTOMER, &user.id)
        .body(Empty::new())?;
    connection.ready().await?;
    let answer = connection.send_request(request).await?;
    let status = answer.status();
    Ok((status, answer.into_body().collect().await?.to_bytes()))
}
