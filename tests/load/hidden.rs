//! Whether the time an answer takes tells what it hides: somebody else's object beside one there is not.

use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use prost::Message as _;
use proto_system_customers::v1::GetCustomerRequest;
use strata_core::{Principal, SpiffeId};
use strata_estate::Workspace;
use strata_testkit::{Credential, Probe};
use strata_tests::Rig;
use tonic::{Code, Request};

use crate::{machine, report};

const GET: &str = "/system.customers.v1.CustomersService/GetCustomer";
/// Each waits for the audit trail, some milliseconds.
const TURNS: usize = 1_000;
const ROUNDS: usize = 5;
const OWN: &str = "cus_000001";
const ANOTHERS: &str = "cus_000002";
const MISSING: &str = "cus_999999";

pub(crate) async fn what_is_anothers_takes_as_long_as_what_is_missing() -> Result<()> {
    ensure!(
        !cfg!(debug_assertions),
        "what is measured without optimisation says nothing: add --release"
    );
    let rig = Rig::start().await?;
    let measured = measure(&rig).await;
    rig.stop().await;
    let text = measured?;
    println!("{text}");
    report::write(Workspace::find()?.root(), "hidden", &text)
}

/// Who asks.
struct Asking<'a> {
    rig: &'a Rig,
    caller: SpiffeId,
    user: Principal,
    probe: Probe,
}

impl Asking<'_> {
    /// Microseconds until the answer, and its code.
    async fn ask(&mut self, customer_id: &str) -> Result<(f64, Code)> {
        let customer_id = customer_id.to_owned();
        let message = GetCustomerRequest { customer_id }.encode_to_vec();
        let mut request = Request::new(Bytes::from(message));
        let headers = request.metadata_mut().as_mut();
        self.rig.act_for(&self.user, &self.caller, headers)?;
        let begun = Instant::now();
        let answer = self.probe.call(GET, request).await;
        let took = begun.elapsed().as_secs_f64() * 1e6;
        Ok((
            took,
            answer.map_or_else(|status| status.code(), |_| Code::Ok),
        ))
    }
}

async fn measure(rig: &Rig) -> Result<String> {
    let callee = rig.estate.service("customers")?.address;
    let caller = rig.estate.service("customer-overview")?.id.clone();
    let credential = Credential::honest(rig.estate.pki(), &caller)?;
    let user = Principal {
        roles: vec!["customer".to_owned()],
        ..rig.principal(OWN)
    };
    let probe = Probe::new(rig.estate.pki(), callee, &credential)?;
    let mut asking = Asking {
        rig,
        caller,
        user,
        probe,
    };
    ensure!(
        asking.ask(OWN).await?.1 == Code::Ok,
        "one's own is not answered"
    );
    let (mut anothers, mut missing) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let mut round = [Vec::new(), Vec::new()];
        for turn in 0..TURNS {
            // Each first as often as second.
            let order = if turn % 2 == 0 { [0, 1] } else { [1, 0] };
            for which in order {
                let (took, code) = asking.ask([ANOTHERS, MISSING][which]).await?;
                ensure!(code == Code::NotFound, "answered {code:?}");
                round[which].push(took);
            }
        }
        let [one, other] = round.map(|mut times| {
            times.sort_by(f64::total_cmp);
            times.get(TURNS / 2).copied()
        });
        anothers.push(one.context("nothing was asked")?);
        missing.push(other.context("nothing was asked")?);
    }
    let mut ratios: Vec<f64> = anothers
        .iter()
        .zip(&missing)
        .map(|(one, two)| one / two)
        .collect();
    for figures in [&mut anothers, &mut missing, &mut ratios] {
        figures.sort_by(f64::total_cmp);
    }
    let middle = |figures: &[f64]| figures[ROUNDS / 2];
    let ratio = middle(&ratios);
    ensure!(
        (0.9..=1.1).contains(&ratio),
        "the time tells what is hidden: {ratio:.3} times as long"
    );
    Ok(format!(
        "Measured on {}. {ROUNDS} rounds of {TURNS} requests each, in turn; medians: somebody else's {:.1} us, \
         missing {:.1} us, ratio {:.3} ({:.3} to {:.3}).",
        machine::description(),
        middle(&anothers),
        middle(&missing),
        middle(&ratios),
        ratios[0],
        ratios[ROUNDS - 1],
    ))
}
