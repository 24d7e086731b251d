//! What is flooded, and its users.

use std::{path::Path, process::Stdio, sync::Arc, time::Duration};

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode, header::AUTHORIZATION};
use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};
use strata_testkit::Dialer;
use strata_tests::{
    Counts, Instance, Launch, Rig,
    load::{Ask, Client, Load},
    resident_bytes,
};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    time::{interval, sleep},
};

use super::{
    attacker::{self, Plan},
    attacks::{At, Counted, FEW_DESCRIPTORS, Flood},
    sink,
};

/// Requests per second of honest users.
const RATE: u32 = 100;
const CONNECTIONS: usize = 4;
/// The user.
const CUSTOMER: &str = "cus_000001";
/// `limits.request_timeout` of the flooded services.
const DEADLINE: Duration = Duration::from_secs(2);
/// Between two looks at a process's memory.
const LOOK: Duration = Duration::from_millis(50);
/// After a flood.
const CALM: Duration = Duration::from_millis(500);

/// A chain of processes with short deadlines, so that a flood sees them pass.
pub(super) struct Target {
    customers: Instance,
    overview: Instance,
    storefront: Instance,
    users: Arc<Client>,
    token: String,
    /// What an honest workload says of that user.
    principal: Vec<(String, String)>,
    pki: std::path::PathBuf,
    /// Certificate and key of a sink that stands for the edge, and for the hop.
    edge: [std::path::PathBuf; 2],
    hop: [std::path::PathBuf; 2],
}

/// What users met.
pub(super) struct Measured {
    pub(super) asked: usize,
    pub(super) failed: usize,
    pub(super) late: usize,
    pub(super) p99: Duration,
    /// What the flooded service counted.
    pub(super) counted: u64,
    /// Memory of the flooded service, in bytes.
    pub(super) before: u64,
    pub(super) most: u64,
    /// What the service behind counted as floods: it must not be made one of by what is refused.
    pub(super) passed_on: u64,
    /// What failed, in words.
    pub(super) what: String,
}

impl Target {
    pub(super) async fn start(rig: &Rig) -> Result<Self> {
        let short = |service| -> Result<Launch> {
            let timeout = format!("{}s", DEADLINE.as_secs());
            Ok(rig
                .another(service)?
                .set("STRATA_LIMITS__REQUEST_TIMEOUT", timeout)
                .set("STRATA_LIMITS__HANDSHAKE_TIMEOUT", "1s")
                .set("STRATA_LIMITS__HEADER_TIMEOUT", "1s")
                .set("STRATA_LIMITS__CONNECTIONS_PER_ADDRESS", "500"))
        };
        let customers = short("customers")?.start().await?;
        let overview = short("customer-overview")?.upstream("customers", customers.address);
        let overview = overview.start().await?;
        let storefront = short("storefront")?.upstream("customer-overview", overview.address);
        let storefront = storefront.start().await?;
        let dialer = Dialer::edge(&rig.estate.edge_ca(), &[b"h2"])?;
        let users = Arc::new(Client::new(storefront.address, dialer, CONNECTIONS));
        let material = |service, stem: &str| -> Result<_> {
            let folder = &rig.estate.service(service)?.material;
            Ok(["pem", "key"].map(|kind| folder.join(format!("{stem}.{kind}"))))
        };
        let target = Self {
            customers,
            overview,
            storefront,
            users,
            token: rig.token(CUSTOMER)?,
            principal: principal(rig)?,
            pki: rig.estate.folder().join("pki"),
            edge: material("storefront", "edge")?,
            hop: material("customers", "svid")?,
        };
        // Every connection is there, and every page of the store has been read.
        for _ in 0..50 * CONNECTIONS {
            let (status, _) = target.users.ask(target.request()).await?;
            ensure!(
                status == StatusCode::OK,
                "an honest user is answered {status}"
            );
        }
        Ok(target)
    }

    /// Users beside the attacker at work on a sink.
    pub(super) async fn beside_sink(&self, flood: &Flood) -> Result<Measured> {
        let [certificate, key] = if flood.at == At::Edge {
            &self.edge
        } else {
            &self.hop
        };
        let mut sink = itself(&[sink::ROLE, text(certificate)?, text(key)?]);
        let mut sink = sink.stdout(Stdio::piped()).spawn()?;
        let said = sink.stdout.take().context("the sink says nothing")?;
        let address = BufReader::new(said).lines().next_line().await?;
        let address = address.context("the sink has ended")?.parse()?;
        let measured = self.beside(flood, address).await;
        sink.kill().await?;
        measured
    }

    /// Users beside the attacker at work on a service they are served by.
    pub(super) async fn beside_flood(&self, flood: &Flood) -> Result<Measured> {
        let flooded = self.flooded(flood);
        if flood.name != FEW_DESCRIPTORS {
            return self.beside(flood, flooded.address).await;
        }
        let honest = descriptors(flooded, Some(60))?;
        let measured = self.beside(flood, flooded.address).await;
        descriptors(flooded, honest)?;
        measured
    }

    async fn beside(&self, flood: &Flood, address: std::net::SocketAddr) -> Result<Measured> {
        let flooded = self.flooded(flood);
        let process = flooded.pid().context("it has ended")?;
        let before = resident_bytes(process)?;
        let counted = self.counted(flood).await?;
        let passed_on = self.passed_on().await?;
        let (users, requests) = (Arc::clone(&self.users), self.request());
        let load = Load::start(RATE, move |_| Ask {
            kind: "overview",
            client: Arc::clone(&users),
            request: requests.clone(),
            is_whole: |body| body.ends_with(b"}"),
        });
        let plan = serde_json::to_string(&Plan {
            flood: flood.name.to_owned(),
            at_edge: flood.at == At::Edge,
            http2: flood.is_http2(),
            address,
            seconds: flood.lasts.as_secs(),
            pki: self.pki.clone(),
            token: self.token.clone(),
            principal: self.principal.clone(),
        })?;
        let mut attacker: Child = itself(&[attacker::ROLE, &plan]).spawn()?;
        let mut most = before;
        let mut look = interval(LOOK);
        let ended = loop {
            tokio::select! {
                ended = attacker.wait() => break ended?,
                _ = look.tick() => most = most.max(resident_bytes(process)?),
            }
        };
        ensure!(ended.success(), "the attacker could not do its work");
        let records = load.finish().await;
        sleep(CALM).await;
        let late = records.only(|record| record.latency() > DEADLINE * 2);
        let failed = records.failed();
        Ok(Measured {
            asked: records.0.len(),
            failed: failed.0.len(),
            late: late.0.len(),
            p99: records.latency(0.99),
            counted: self.counted(flood).await? - counted,
            before,
            most,
            passed_on: self.passed_on().await? - passed_on,
            what: if failed.0.is_empty() {
                String::new()
            } else {
                failed.to_string()
            },
        })
    }

    const fn flooded(&self, flood: &Flood) -> &Instance {
        match flood.at {
            At::Edge => &self.storefront,
            At::Hop => &self.customers,
        }
    }

    /// Only the flooded edge has a service behind it.
    async fn passed_on(&self) -> Result<u64> {
        Ok(Counts::of(self.overview.admin).await?.reasons("flood"))
    }

    async fn counted(&self, flood: &Flood) -> Result<u64> {
        let counts = Counts::of(self.flooded(flood).admin).await?;
        Ok(match flood.counted {
            Counted::Event(reasons) => reasons.iter().map(|reason| counts.reasons(reason)).sum(),
            Counted::Outcome(outcome) => counts.outcomes(outcome),
        })
    }

    fn request(&self) -> Request<Bytes> {
        let mut request = Request::new(Bytes::new());
        *request.uri_mut() = http::Uri::from_static("https://localhost/v1/me/overview");
        if let Ok(bearer) = format!("Bearer {}", self.token).parse() {
            request.headers_mut().insert(AUTHORIZATION, bearer);
        }
        request
    }
}

/// Bounds what a running process may have open, and gives the bound it had.
fn descriptors(process: &Instance, most: Option<u64>) -> Result<Option<u64>> {
    let pid = i32::try_from(process.pid().context("it has ended")?)?;
    let before = getrlimit(Resource::Nofile);
    let bound = Rlimit {
        current: most,
        ..before
    };
    let before = prlimit(Pid::from_raw(pid), Resource::Nofile, bound)?;
    Ok(before.current)
}

fn principal(rig: &Rig) -> Result<Vec<(String, String)>> {
    let mut user = rig.principal(CUSTOMER);
    user.roles = vec!["customer".to_owned()];
    let mut headers = HeaderMap::new();
    let caller = &rig.estate.service("storefront")?.id;
    let mut token = rig.transaction_token(caller, &user)?;
    // It must outlast the floods.
    token.claims["exp"] = (token.claims["iat"].as_u64().unwrap_or_default() + 3600).into();
    token.write(&mut headers)?;
    let entries = headers.iter();
    let entries = entries.map(|(name, value)| Ok((name.to_string(), value.to_str()?.to_owned())));
    entries.collect()
}

/// This binary, in another role.
fn itself(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap_or_default());
    command
        .args(arguments)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().context("the path is no UTF-8")
}
