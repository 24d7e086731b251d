//! Of so many decisions under load there are so many records.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::{Request, header};
use serde_json::json;
use strata_audit::Verdict;
use strata_testkit::Dialer;
use strata_tests::{
    Instance, Launch, Rig, eventually,
    load::Client,
    trail::{all, twice, verified},
};

use crate::{CONTACT, OVERVIEW, PATIENCE};

/// Decisions of an edge.
const REQUESTS: u128 = 600;
/// Under way at once.
const TOGETHER: usize = 16;
const CONNECTIONS: usize = 8;
const CUSTOMER: &str = "cus_000042";
/// What the traces of this test begin with.
const TRACES: u128 = 0xdec1de << 64;

/// What is asked for, by turns.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Read,
    Write,
    /// A read without the scope for it.
    Refused,
}

const fn kind(number: u128) -> Kind {
    match number % 3 {
        0 => Kind::Read,
        1 => Kind::Write,
        _ => Kind::Refused,
    }
}

/// A trace of its own for each, as trails write it.
fn trace(number: u128) -> String {
    format!("{:032x}", TRACES | number)
}

/// One user stands for many.
fn unlimited(launch: Launch) -> Launch {
    ["NETWORK", "USER", "WORKLOAD"]
        .iter()
        .fold(launch, |launch, of| {
            launch
                .set(format!("STRATA_LIMITS__{of}__REQUESTS"), "1000000")
                .set(format!("STRATA_LIMITS__{of}__PER"), "10s")
        })
}

/// How often each trace is in a process's trail, and with which verdict.
fn written(process: &Instance) -> anyhow::Result<BTreeMap<String, Vec<Verdict>>> {
    let mut written: BTreeMap<String, Vec<Verdict>> = BTreeMap::new();
    let traces = (0..REQUESTS).map(trace).collect::<BTreeSet<_>>();
    for found in all(&process.audit())? {
        if !traces.contains(&found.record.trace_text()) {
            continue;
        }
        let verdicts = written.entry(found.record.trace_text()).or_default();
        verdicts.push(found.verdict());
    }
    Ok(written)
}

pub(crate) async fn each_decision_under_load_is_recorded_once(rig: &mut Rig) {
    let another = |service| unlimited(rig.another(service).unwrap());
    let customers = another("customers").start().await.unwrap();
    let overview = another("customer-overview").upstream("customers", customers.address);
    let overview = overview.start().await.unwrap();
    let storefront = another("storefront").upstream("customer-overview", overview.address);
    let storefront = storefront.start().await.unwrap();
    let dialer = Dialer::edge(&rig.estate.edge_ca(), &[b"h2"]).unwrap();
    let client = Client::new(storefront.address, dialer, CONNECTIONS);
    let token = rig.token(CUSTOMER).unwrap();
    let narrow = rig.token_with(CUSTOMER, &["orders:read".to_owned()].into());
    let narrow = narrow.unwrap();

    let ask = async |number: u128| {
        let kind = kind(number);
        let token = if kind == Kind::Refused {
            &narrow
        } else {
            &token
        };
        let (request, body) = match kind {
            Kind::Write => {
                let key = format!("trail-{number}");
                let body = json!({ "phone": "+447700900903", "idempotencyKey": key });
                (
                    Request::patch(format!("https://localhost{CONTACT}")),
                    body.to_string(),
                )
            }
            _ => (
                Request::get(format!("https://localhost{OVERVIEW}")),
                String::new(),
            ),
        };
        let parent = format!("00-{}-00000000000000ff-00", trace(number));
        let request = request
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header(header::CONTENT_TYPE, "application/json")
            .header("traceparent", parent)
            .body(Bytes::from(body))
            .unwrap();
        let (status, _) = client.ask(request).await.unwrap();
        let expected = if kind == Kind::Refused { 403 } else { 200 };
        assert_eq!(status.as_u16(), expected, "request {number}");
    };
    let asked = stream::iter(0..REQUESTS)
        .map(ask)
        .buffer_unordered(TOGETHER);
    asked.collect::<Vec<()>>().await;

    for (service, process) in [
        ("storefront", &storefront),
        ("customer-overview", &overview),
        ("customers", &customers),
    ] {
        let expected = |number: u128| match kind(number) {
            // It goes no further than where it is refused.
            Kind::Refused if service == "storefront" => Some(vec![Verdict::Refused]),
            Kind::Refused => None,
            Kind::Read | Kind::Write => Some(vec![Verdict::Allowed]),
        };
        let expected: BTreeMap<_, _> = (0..REQUESTS)
            .filter_map(|number| Some((trace(number), expected(number)?)))
            .collect();
        let mut have = BTreeMap::new();
        let whole = eventually(PATIENCE, async || {
            have = written(process)?;
            Ok(have.len() >= expected.len())
        });
        assert!(
            whole.await.is_ok(),
            "{service}: {} of {} recorded",
            have.len(),
            expected.len()
        );
        assert!(
            have == expected,
            "{service}: a decision is not recorded once"
        );
        assert_eq!(twice(&process.audit()).unwrap(), [0_u64; 0], "{service}");
        let id = &rig.estate.service(service).unwrap().id;
        let report = verified(rig, &process.audit(), &process.checkpoints(), id).unwrap();
        assert!(report.is_sound(), "{service}: {report:?}");
    }
}
