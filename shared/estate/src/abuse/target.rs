//! The one server that is attacked, and what the attack may cost it.

use std::{
    net::SocketAddr,
    path::Path,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use bytes::Bytes;
use http::{
    Request, Response, Uri,
    uri::{Authority, Scheme},
};
use httparse::{EMPTY_HEADER, Status};
use strata_net::{Visit, Visitor, fetch};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpStream, lookup_host},
    sync::Mutex,
    time::{Instant, sleep_until, timeout},
};

/// Names of ALPN (RFC 7301, section 6; RFC 9113, section 3.2).
pub const HTTP_1_1: &[u8] = b"http/1.1";
/// See [`HTTP_1_1`].
pub const HTTP_2: &[u8] = b"h2";

/// An answer is no larger.
const ANSWER: usize = 4 * 1024 * 1024;

/// What an attack may cost.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Connections in all.
    pub connections: u32,
    /// Between two of them.
    pub pace: Duration,
    /// For one request and its answer.
    pub answer: Duration,
}

/// One address of one host. Nothing else is ever connected to: no redirect is followed, no name is looked
/// up twice.
pub struct Target {
    authority: Authority,
    address: SocketAddr,
    loopback: bool,
    visitor: Visitor,
    bounds: Bounds,
    next: Mutex<Instant>,
    used: AtomicU32,
}

/// What came back for bytes that were sent as they are.
#[derive(Clone, Debug, Default)]
pub struct Said {
    /// The statuses of the answers, in their order.
    pub statuses: Vec<u16>,
    /// Whether the server has ended the connection.
    pub closed: bool,
}

impl Target {
    /// The server of an `https` URL, verified against `roots` (PEM), or without them against those of the
    /// operating system. `bounds` are told whether every address of the host is this machine's own.
    ///
    /// # Errors
    /// When the URL is not of that kind, leads nowhere, or there is no root to trust.
    pub async fn at(
        url: &Uri,
        roots: Option<&Path>,
        bounds: impl FnOnce(bool) -> Bounds,
    ) -> Result<Self> {
        ensure!(
            url.scheme() == Some(&Scheme::HTTPS),
            "{url} is not to be attacked: give a URL that begins with https"
        );
        let authority = url.authority().context("the URL names no host")?;
        ensure!(
            !authority.as_str().contains('@') && matches!(url.path(), "" | "/"),
            "{url} is more than a host: give https://host:port"
        );
        let host = authority.host().trim_matches(['[', ']']);
        let port = authority.port_u16().unwrap_or(443);
        let found = lookup_host((host, port)).await;
        let found: Vec<_> = found
            .with_context(|| format!("{host} cannot be looked up"))?
            .collect();
        let address = *found.first().context("the host has no address")?;
        let loopback = found.iter().all(|found| found.ip().is_loopback());
        Ok(Self {
            authority: authority.clone(),
            address,
            loopback,
            visitor: Visitor::new(host, address, roots)?,
            bounds: bounds(loopback),
            next: Mutex::new(Instant::now()),
            used: AtomicU32::new(0),
        })
    }

    /// The host, and the port where the URL says one.
    #[must_use]
    pub fn authority(&self) -> &str {
        self.authority.as_str()
    }

    /// The host alone.
    #[must_use]
    pub fn host(&self) -> &str {
        self.authority.host()
    }

    /// The only address that is connected to.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether every address of the host is this machine's own.
    #[must_use]
    pub const fn is_loopback(&self) -> bool {
        self.loopback
    }

    /// Connections made so far.
    pub fn used(&self) -> u32 {
        self.used.load(Ordering::Relaxed)
    }

    /// A connection without TLS, in its turn.
    ///
    /// # Errors
    /// When the bounds are reached, or the server takes none.
    pub async fn socket(&self) -> Result<TcpStream> {
        self.turn().await?;
        Ok(timeout(self.bounds.answer, self.visitor.socket()).await??)
    }

    /// A TLS connection that offers one protocol, in its turn.
    ///
    /// # Errors
    /// When the bounds are reached, or the handshake does not come about.
    pub async fn connect(&self, protocol: &[u8]) -> Result<Visit> {
        self.turn().await?;
        let visit = timeout(self.bounds.answer, self.visitor.connect(protocol)).await;
        Ok(visit.context("the handshake did not come to an end")??)
    }

    /// One request over HTTP/1.1 on a connection of its own, and its answer. The request's URI is a path.
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn send(&self, mut request: Request<Bytes>) -> Result<Response<Bytes>> {
        let path = request.uri().path_and_query();
        let path = path.map_or("/", |path| path.as_str());
        *request.uri_mut() = format!("https://{}{path}", self.authority).parse()?;
        let connection = self.connect(HTTP_1_1).await?;
        let answer = fetch::exchange(connection, request, ANSWER);
        let answer = timeout(self.bounds.answer, answer).await;
        Ok(answer.context("no answer came in time")??)
    }

    /// Sends bytes over TLS as they are, and reads what comes until the server closes, `enough` answers have
    /// come, or nothing more does within `patience`.
    ///
    /// # Errors
    /// When the connection does not come about.
    pub async fn say(&self, bytes: &[u8], enough: usize, patience: Duration) -> Result<Said> {
        let (mut reader, mut writer) = tokio::io::split(self.connect(HTTP_1_1).await?);
        let mut said = Said::default();
        let mut read = Vec::new();
        let listen = async {
            let mut buffer = vec![0; 16 * 1024];
            while said.statuses.len() < enough {
                let Ok(next) = timeout(patience, reader.read(&mut buffer)).await else {
                    return;
                };
                let new = next.ok().filter(|&length| length > 0);
                let Some(new) = new.and_then(|length| buffer.get(..length)) else {
                    said.closed = true;
                    return;
                };
                read.extend_from_slice(new);
                let (statuses, whole) = statuses(&read);
                said.statuses.extend(statuses);
                read.drain(..whole);
            }
        };
        let speak = async {
            // A server that has heard enough closes: what it said before counts.
            let _over = writer.write_all(bytes).await;
            let _over = writer.flush().await;
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = listen => {}
            () = speak => bail!("nothing is said without end"),
        }
        Ok(said)
    }

    async fn turn(&self) -> Result<()> {
        let used = self.used.fetch_add(1, Ordering::Relaxed);
        ensure!(
            used < self.bounds.connections,
            "the attack has made as many connections as it may"
        );
        let mut next = self.next.lock().await;
        sleep_until(*next).await;
        *next = Instant::now() + self.bounds.pace;
        Ok(())
    }
}

/// The statuses of all whole heads of answers among what was read, and how much of it is done with.
fn statuses(read: &[u8]) -> (Vec<u16>, usize) {
    const START: &[u8] = b"HTTP/1.1 ";
    let (mut found, mut done) = (Vec::new(), 0);
    let starts = read.windows(START.len()).enumerate();
    for (at, _) in starts.filter(|(_, window)| *window == START) {
        let mut headers = [EMPTY_HEADER; 64];
        let mut head = httparse::Response::new(&mut headers);
        let parsed = read.get(at..).map(|read| head.parse(read));
        if let (Some(Ok(Status::Complete(length))), Some(code)) = (parsed, head.code) {
            found.push(code);
            done = at + length;
        }
    }
    (found, done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_heads_are_counted_and_no_bodies() {
        let one = "HTTP/1.1 404 Not Found\r\ncontent-length: 9\r\n\r\nHTTP/1.0 ";
        let cut = "HTTP/1.1 200 OK\r\ncontent-length";
        let read = [one, one, cut].concat();
        let done = read.len() - cut.len() - "HTTP/1.0 ".len();
        assert_eq!(statuses(read.as_bytes()), (vec![404, 404], done));
    }

    #[tokio::test]
    async fn only_a_host_is_attacked() {
        let bounds = Bounds {
            connections: 1,
            pace: Duration::ZERO,
            answer: Duration::from_secs(1),
        };
        let roots = tempfile::NamedTempFile::new().unwrap();
        for (url, says) in [
            ("http://localhost:1", "begins with https"),
            ("https://user@localhost:1", "more than a host"),
            ("https://localhost:1/v1/me", "more than a host"),
        ] {
            let target = Target::at(&url.parse().unwrap(), Some(roots.path()), |_| bounds).await;
            let error = target.err().unwrap().to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
