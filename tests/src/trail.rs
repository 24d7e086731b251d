//! What processes have written to their audit trails, and whether it outlives them.

use std::{
    collections::BTreeMap,
    future::ready,
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::{
    HeaderMap, HeaderName, Method, Request, StatusCode,
    header::{AUTHORIZATION, CONTENT_TYPE},
};
use prost::Message as _;
use proto_system_customers::v1::{Customer, GetCustomerRequest};
use serde_json::json;
use strata_audit::{Found, Query, Report, query, verify};
use strata_core::SpiffeId;
use strata_testkit::{Credential, Dialer, Probe};
use strata_tls::Auditors;
use tempfile::TempDir;

use crate::{launch::Launch, load::Client, rig::Rig};

/// Requests under way at once.
const TOGETHER: usize = 64;
/// Connections that they share.
const CONNECTIONS: usize = 4;

/// One user stands for many.
const CUSTOMER: &str = "cus_000032";
/// What they write.
const CONTACT: &str = "https://localhost/v1/me/contact";
/// What is read of them.
const GET: &str = "/system.customers.v1.CustomersService/GetCustomer";
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The two folders of a trail, where they outlive its process.
pub struct Kept(TempDir);

impl Kept {
    /// New ones.
    ///
    /// # Errors
    /// When no temporary folder can be made.
    pub fn new() -> Result<Self> {
        Ok(Self(tempfile::tempdir()?))
    }

    /// The trail.
    #[must_use]
    pub fn audit(&self) -> PathBuf {
        self.0.path().join("audit")
    }

    /// What vouches for it.
    #[must_use]
    pub fn checkpoints(&self) -> PathBuf {
        self.0.path().join("checkpoints")
    }

    /// A process that keeps its trail there.
    #[must_use]
    pub fn of(&self, launch: Launch) -> Launch {
        launch
            .set("STRATA_AUDIT__FOLDER", self.audit())
            .set("STRATA_AUDIT__CHECKPOINTS", self.checkpoints())
    }
}

/// Everything in a trail.
///
/// # Errors
/// When it cannot be read.
pub fn all(folder: &Path) -> io::Result<Vec<Found>> {
    let mut all = Vec::new();
    query(folder, &Query::All, |found| {
        all.push(found);
        io::Result::Ok(())
    })?;
    Ok(all)
}

/// The numbers that more than one record of a trail has.
///
/// # Errors
/// When it cannot be read.
pub fn twice(folder: &Path) -> io::Result<Vec<u64>> {
    let mut counts = BTreeMap::new();
    for found in all(folder)? {
        *counts.entry(found.sequence).or_insert(0_u64) += 1;
    }
    let twice = counts.into_iter().filter(|(_, count)| *count > 1);
    Ok(twice.map(|(sequence, _)| sequence).collect())
}

/// What came of verifying the trail of a service of the estate.
///
/// # Errors
/// When it cannot be read.
pub fn verified(rig: &Rig, audit: &Path, checkpoints: &Path, id: &SpiffeId) -> Result<Report> {
    let domain = id.trust_domain();
    let any = rig.estate.services().first().context("nothing runs")?;
    let auditors = Auditors::load(&any.material, &domain)?;
    Ok(verify(audit, checkpoints, &auditors, &domain, Some(id))?)
}

/// What outlived some kills.
#[derive(Clone, Copy, Debug, Default)]
pub struct Outlived {
    /// Requests that were answered. All of them are in the trails, once each.
    pub answered: u64,
    /// Decisions in both trails.
    pub decisions: u64,
}

/// Kills a System API and an Experience API over it by turns, each time after so many answers as chance has
/// it, `answers` at an average: to writes of a user, which go through both, and to reads of what is
/// RESTRICTED, which no user of the sample may have, from the System API by the workload that may.
///
/// # Errors
/// What was answered and is not in a trail, or a trail that does not verify.
pub async fn outlives_kills(rig: &Rig, rounds: u64, answers: u64) -> Result<Outlived> {
    let (system, edge) = (Kept::new()?, Kept::new()?);
    let mut outlived = Outlived::default();
    for round in 0..rounds {
        outlived.decisions = 0;
        let answered = under_load(rig, &system, &edge, round, answers).await?;
        for (service, kept) in [("customers", &system), ("storefront", &edge)] {
            let id = &rig.estate.service(service)?.id;
            let (audit, checkpoints) = (kept.audit(), kept.checkpoints());
            let report = verified(rig, &audit, &checkpoints, id)?;
            ensure!(report.is_sound(), "round {round}, {service}: {report:?}");
            ensure!(twice(&audit)?.is_empty(), "round {round}, {service}: twice");
            outlived.decisions += report.records;
            let mut written = BTreeMap::new();
            for found in all(&audit)? {
                *written.entry(found.record.trace_text()).or_insert(0_u64) += 1;
            }
            for (trace, is_write) in &answered {
                let wanted = service == "customers" || *is_write;
                let times = written.get(&format!("{trace:032x}")).copied();
                ensure!(
                    !wanted || times == Some(1),
                    "round {round}, {service}: {trace:x} was answered and is there {times:?} times"
                );
            }
        }
        outlived.answered += answered.len() as u64;
    }
    Ok(outlived)
}

/// Gives the traces of what was answered, and whether each was a write.
async fn under_load(
    rig: &Rig,
    system: &Kept,
    edge: &Kept,
    round: u64,
    answers: u64,
) -> Result<Vec<(u128, bool)>> {
    let customers = system.of(rig.another_for_many("customers")?);
    let customers = customers.start().await?;
    let overview = rig.another_for_many("customer-overview")?;
    let overview = overview.upstream("customers", customers.address);
    let overview = overview.start().await?;
    let storefront = edge.of(rig.another_for_many("storefront")?);
    let storefront = storefront.upstream("customer-overview", overview.address);
    let storefront = storefront.start().await?;
    let dialer = Dialer::edge(&rig.estate.edge_ca(), &[b"h2"])?;
    let clients = Clients {
        edge: Client::new(storefront.address, dialer, CONNECTIONS),
        token: rig.token(CUSTOMER)?,
        workload: Workload::of(rig, customers.address)?,
    };
    let fatal = 1 + rand::random::<u64>() % (2 * answers);
    let killed = AtomicBool::new(false);
    // Enough, also where not every one is answered.
    let mut sent = stream::iter(0..4 * answers + 64)
        .take_while(|_| ready(!killed.load(Ordering::Relaxed)))
        .map(|number| clients.one(round, number))
        .buffer_unordered(TOGETHER);
    let mut answered = Vec::new();
    while let Some(answer) = sent.next().await {
        answered.extend(answer);
        if answered.len() as u64 >= fatal && !killed.swap(true, Ordering::Relaxed) {
            let victim = if round.is_multiple_of(2) {
                &storefront
            } else {
                &customers
            };
            victim.kill()?;
        }
    }
    drop(sent);
    let killed = killed.into_inner();
    ensure!(killed, "round {round}: nothing was killed");
    for process in [storefront, customers] {
        // Its folder is free once it has ended.
        process.kill()?;
        process.ended().await?;
    }
    Ok(answered)
}

/// Who asks.
struct Clients {
    edge: Client,
    token: String,
    workload: Workload,
}

impl Clients {
    /// One request with a trace of its own; what was answered.
    async fn one(&self, round: u64, number: u64) -> Option<(u128, bool)> {
        let trace = u128::from((round + 1) << 32 | number);
        let parent = format!("00-{trace:032x}-00000000000000ff-00");
        let is_write = number.is_multiple_of(2);
        let is_answered = if is_write {
            self.writes(&parent, &format!("kill-{round}-{number}"))
                .await
        } else {
            self.workload.reads(&parent).await
        };
        is_answered.then_some((trace, is_write))
    }

    /// Whether the user was told that it is written.
    async fn writes(&self, parent: &str, key: &str) -> bool {
        let body = json!({ "email": "new@example.com", "idempotencyKey": key });
        let request = Request::builder()
            .method(Method::PATCH)
            .uri(CONTACT)
            .header(AUTHORIZATION, format!("Bearer {}", self.token))
            .header(CONTENT_TYPE, "application/json")
            .header(TRACEPARENT, parent)
            .body(Bytes::from(body.to_string()));
        match request {
            Ok(request) => {
                let answer = self.edge.ask(request).await;
                answer.is_ok_and(|(status, _)| status == StatusCode::OK)
            }
            Err(_) => false,
        }
    }
}

/// The workload that may read customers, for somebody who may hold what is RESTRICTED.
struct Workload {
    probe: Probe,
    acting: HeaderMap,
}

impl Workload {
    fn of(rig: &Rig, customers: SocketAddr) -> Result<Self> {
        let id = &rig.estate.service("customer-overview")?.id;
        let credential = Credential::honest(rig.estate.pki(), id)?;
        let mut acting = HeaderMap::new();
        rig.act_for(&rig.principal(CUSTOMER), id, &mut acting)?;
        Ok(Self {
            probe: Probe::new(rig.estate.pki(), customers, &credential)?,
            acting,
        })
    }

    /// Whether what is RESTRICTED came back, whole.
    async fn reads(&self, parent: &str) -> bool {
        let customer_id = CUSTOMER.to_owned();
        let message = GetCustomerRequest { customer_id }.encode_to_vec();
        let mut request = tonic::Request::new(Bytes::from(message));
        let headers: &mut HeaderMap = request.metadata_mut().as_mut();
        headers.clone_from(&self.acting);
        headers.extend(parent.parse().map(|parent| (TRACEPARENT, parent)));
        let answer = self.probe.clone().call(GET, request).await;
        let customer = answer.map(|bytes| Customer::decode(bytes).unwrap_or_default());
        customer.is_ok_and(|customer| {
            !customer.national_id.is_empty() && !customer.national_id.starts_with('*')
        })
    }
}
