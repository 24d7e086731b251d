//! An upstream that fails, and what its callers' retries make of it.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use http::{Request, StatusCode, header::AUTHORIZATION};
use strata_testkit::{Credential, Dialer};

use crate::{
    counts::{Counts, eventually},
    load::Client,
    relay::Relay,
    rig::Rig,
    stand_in::{Manner, StandIn},
};

const OVERVIEW: &str = "https://localhost/v1/me/overview";
const METHOD: &str = "/process.customer_overview.v1.CustomerOverviewService/GetOverview";
/// Requests under way at once.
const TOGETHER: usize = 16;
/// Connections that they share.
const CONNECTIONS: usize = 4;
/// Far above what a connection takes to come about.
const PATIENCE: Duration = Duration::from_secs(20);
/// The budget of retries: a fifth of the calls, and ten.
const CALLS_PER_RETRY: u64 = 5;
const AT_FIRST: u64 = 10;

/// What came of asking a Process API whose System API fails, from the start of its process on.
#[derive(Debug)]
pub struct Storm {
    /// What users were told meanwhile, and how often.
    pub told: BTreeMap<StatusCode, u64>,
    /// Calls to the System API that its caller's breaker let through.
    pub calls: u64,
    /// Calls that its breaker refused.
    pub refused: u64,
    /// Calls that were sent again.
    pub retries: u64,
    /// What the System API was sent, by its own count.
    pub reached: u64,
}

impl Storm {
    /// Asks so many times while `of_five` calls out of five fail, and checks that no more was sent than the
    /// budget of retries allows, at neither hop; and that all is well again afterwards.
    ///
    /// # Errors
    /// When it is not so.
    pub async fn over(rig: &Rig, of_five: usize, requests: u64) -> Result<Self> {
        let honest = rig.estate.service("customers")?;
        let relay = Relay::start(honest.address).await?;
        let overview = rig.another_for_many("customer-overview")?;
        let overview = overview.upstream("customers", relay.address);
        let overview = overview.start().await?;
        let storefront = rig.another_for_many("storefront")?;
        let storefront = storefront.upstream("customer-overview", overview.address);
        let storefront = storefront.start().await?;
        let dialer = Dialer::edge(&rig.estate.edge_ca(), &[b"h2"])?;
        let client = Client::new(storefront.address, dialer, CONNECTIONS);
        let token = rig.token("cus_000001")?;
        let sent = AtomicU64::new(0);
        let ask = async || {
            sent.fetch_add(1, Ordering::Relaxed);
            let request = Request::get(OVERVIEW)
                .header(AUTHORIZATION, format!("Bearer {token}"))
                .body(Bytes::new())?;
            Ok::<_, anyhow::Error>(client.ask(request).await?.0)
        };
        let before = ask().await?;
        ensure!(before == StatusCode::OK, "it is well and says {before}");

        let credential = Credential::honest(rig.estate.pki(), &honest.id)?;
        let failing = StandIn::answering(&credential, Manner::Drops(of_five)).await?;
        relay.lead_to(failing.address);
        let met = eventually(PATIENCE, async || {
            ask().await?;
            Ok(!failing.received().is_empty())
        });
        met.await?;
        let asked = stream::iter(0..requests).map(|_| ask());
        let answers: Vec<_> = asked.buffer_unordered(TOGETHER).try_collect().await?;
        let sent = sent.load(Ordering::Relaxed);
        // A request is counted when all of its answer has gone out.
        let mut counts = None;
        let counted = eventually(PATIENCE, async || {
            let now = Counts::of(overview.admin).await?;
            let all = now.requests(METHOD) >= sent;
            counts = Some(now);
            Ok(all)
        });
        counted.await?;
        let counts = counts.context("nothing was counted")?;
        let arrived = counts.requests(METHOD);
        ensure!(
            arrived == sent,
            "of {sent} requests the edge made {arrived} calls"
        );

        let refused = counts.refused_by_breaker("customers");
        let mut storm = Self {
            told: BTreeMap::new(),
            calls: sent - refused,
            refused,
            retries: counts.retries("customers"),
            reached: failing.received().len() as u64,
        };
        for status in answers {
            *storm.told.entry(status).or_default() += 1;
        }
        let most = storm.calls / CALLS_PER_RETRY + AT_FIRST;
        ensure!(
            storm.retries <= most,
            "more was sent again than the {most} of the budget: {storm:?}"
        );
        ensure!(
            storm.reached <= storm.calls + storm.retries,
            "more reached it than was sent: {storm:?}"
        );
        relay.lead_to(honest.address);
        let back = eventually(PATIENCE, async || Ok(ask().await? == StatusCode::OK));
        back.await?;
        Ok(storm)
    }
}
