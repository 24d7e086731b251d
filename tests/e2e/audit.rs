//! The audit trail as real processes write it: what was answered and what was refused is in it, whatever
//! becomes of the process.

use std::{fs, path::Path, time::Duration};

use bytes::Bytes;
use futures_util::future::join_all;
use http::{Request, StatusCode};
use serde_json::json;
use strata_audit::{Found, ResourceKey, Verdict};
use strata_testkit::Dialer;
use strata_tests::{
    Answer, Edge, ReadOnly, Rig, SmallDisk, eventually,
    load::Client,
    trail::{self, Kept, all, twice, verified},
};
use strata_tls::MASK_KEY;

use crate::{CONTACT, ORDERS, OVERVIEW, PATIENCE, chain::Chain};

/// Far above the tenth of a second in which a record that nobody waits for is written.
const SOON: Duration = Duration::from_secs(5);

/// Asks with a trace of its own.
async fn traced(edge: &Edge, path: &str, token: &str, trace: u128) -> Answer {
    let answer = edge.send(path, |request| {
        request
            .header("authorization", format!("Bearer {token}"))
            .header(
                "traceparent",
                format!("00-{trace:032x}-00000000000000ff-00"),
            )
    });
    answer.await.unwrap()
}

fn of_trace(folder: &Path, trace: u128) -> Vec<Found> {
    let all = all(folder).unwrap().into_iter();
    all.filter(|found| found.record.trace_text() == format!("{trace:032x}"))
        .collect()
}

pub(crate) async fn each_request_is_in_the_trail_of_every_service(rig: &mut Rig) {
    let chain = Chain::start(rig, |launch| launch).await;
    let customer = "cus_000001";
    let token = rig.token(customer).unwrap();
    let traces: Vec<u128> = (1..=20).map(|number| 0xa0d17 << 32 | number).collect();
    for trace in &traces {
        let answer = traced(&chain.edge, OVERVIEW, &token, *trace).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    }
    let key = fs::read(
        rig.estate
            .service("customers")
            .unwrap()
            .material
            .join(MASK_KEY),
    );
    let name = ResourceKey::derived(&key.unwrap()).name(customer);
    for (service, process) in chain.processes() {
        let written = eventually(SOON, async || {
            let written = |trace| !of_trace(&process.audit(), trace).is_empty();
            Ok(traces.iter().copied().all(written))
        });
        assert!(
            written.await.is_ok(),
            "{service} has not recorded what it answered"
        );
        for trace in &traces {
            let found = of_trace(&process.audit(), *trace);
            let [found] = found.as_slice() else {
                panic!("{service}: {found:?}")
            };
            assert_eq!(found.record.subject, customer, "{service}");
            assert_eq!(
                (found.verdict(), &*found.record.code),
                (Verdict::Allowed, "OK")
            );
            let is_edge = service == "storefront";
            assert_eq!(found.record.via == "edge", is_edge, "{service}: {found:?}");
            // Below the edge each names the customer, as nobody without the key can tell.
            assert_eq!(
                found.record.resource == name,
                !is_edge,
                "{service}: {found:?}"
            );
            assert!(found.record.sensitivity > 0, "{service}: {found:?}");
        }
        let id = &rig.estate.service(service).unwrap().id;
        let report = verified(rig, &process.audit(), &process.checkpoints(), id).unwrap();
        assert!(report.is_sound(), "{service}: {report:?}");
    }
}

pub(crate) async fn who_is_refused_is_in_the_trail(rig: &mut Rig) {
    let chain = Chain::start(rig, |launch| launch).await;
    let customer = "cus_000002";
    let token = rig.token(customer).unwrap();
    assert_eq!(
        traced(&chain.edge, ORDERS, &token, 1).await.status,
        StatusCode::OK
    );
    let narrow = ["overview:read".to_owned()].into_iter().collect();
    let narrow = rig.token_with(customer, &narrow).unwrap();
    for (path, token, trace, status) in [
        (ORDERS, "nonsense", 2, StatusCode::UNAUTHORIZED),
        (ORDERS, narrow.as_str(), 3, StatusCode::FORBIDDEN),
    ] {
        let answer = traced(&chain.edge, path, token, trace).await;
        assert_eq!(answer.status, status, "{answer:?}");
    }
    let process = &chain.storefront;
    let written = eventually(SOON, async || {
        let written = |trace| of_trace(&process.audit(), trace).len() == 1;
        Ok([1, 2, 3].into_iter().all(written))
    });
    assert!(written.await.is_ok(), "who was refused is not recorded");
    let record = |trace| of_trace(&process.audit(), trace).remove(0);
    assert_eq!(record(1).verdict(), Verdict::Allowed);
    let unknown = record(2);
    assert_eq!(unknown.verdict(), Verdict::Refused);
    assert_eq!(
        (&*unknown.record.code, &*unknown.record.subject),
        ("token_refused", "")
    );
    let known = record(3);
    assert_eq!(known.verdict(), Verdict::Refused);
    assert_eq!(
        (&*known.record.code, &*known.record.rule),
        ("access_refused", "missing_scope")
    );
    assert_eq!(known.record.subject, customer);
}

async fn change(edge: &Edge, token: &str, key: &str) -> StatusCode {
    let body = json!({ "email": "new@example.com", "idempotencyKey": key });
    edge.patch(CONTACT, token, &body).await.unwrap().status
}

pub(crate) async fn nobody_is_served_while_the_trail_cannot_be_written(rig: &mut Rig) {
    let Some(small) = SmallDisk::new(256).unwrap() else {
        return;
    };
    let launch = rig.another("storefront").unwrap();
    let launch = launch
        .set("STRATA_AUDIT__FOLDER", small.path("audit"))
        .set("STRATA_AUDIT__CHECKPOINTS", small.path("checkpoints"));
    let process = launch.start().await.unwrap();
    let edge = rig.edge("storefront").unwrap().at(process.address);
    let token = rig.token("cus_000031").unwrap();
    assert_eq!(change(&edge, &token, "before").await, StatusCode::OK);
    assert!(process.is_ready().await.unwrap());

    // Until nothing more fits in.
    small.fill().unwrap();
    let mut refused = None;
    for number in 0..200 {
        let status = change(&edge, &token, &format!("full-{number}")).await;
        if status != StatusCode::OK {
            refused = Some(status);
            break;
        }
    }
    assert_eq!(refused, Some(StatusCode::SERVICE_UNAVAILABLE));
    let read = traced(&edge, OVERVIEW, &token, 9).await;
    let refused = read.is_problem(StatusCode::SERVICE_UNAVAILABLE);
    assert!(
        refused,
        "it was read while nothing could be recorded: {read:?}"
    );
    assert!(!process.is_ready().await.unwrap());
    assert!(process.log().contains("audit_failed"), "{}", process.log());

    small.make_room().unwrap();
    let ready = eventually(SOON, async || process.is_ready().await);
    ready.await.unwrap();
    assert_eq!(change(&edge, &token, "after").await, StatusCode::OK);
    let id = &rig.estate.service("storefront").unwrap().id;
    let (audit, checkpoints) = (small.path("audit"), small.path("checkpoints"));
    let report = verified(rig, &audit, &checkpoints, id).unwrap();
    assert!(report.is_sound(), "{report:?}");
    assert_eq!(twice(&audit).unwrap(), [0_u64; 0]);
    drop(process);
}

/// A sink that takes no new file is noticed when one is due.
pub(crate) async fn nobody_is_served_while_a_sink_is_read_only(rig: &mut Rig) {
    let edge = rig.edge("storefront").unwrap();
    let token = rig.token("cus_000034").unwrap();
    let id = &rig.estate.service("storefront").unwrap().id;
    let dialer = Dialer::edge(&rig.estate.edge_ca(), &[b"h2"]).unwrap();
    for sink in [Kept::audit, Kept::checkpoints] {
        let kept = Kept::new().unwrap();
        let launch = kept.of(rig.another_for_many("storefront").unwrap());
        // The least there is: a file is full after some hundred records.
        let launch = launch.set("STRATA_AUDIT__FILE_BYTES", "65536");
        let process = launch.start().await.unwrap();
        let edge = edge.at(process.address);
        assert_eq!(change(&edge, &token, "before").await, StatusCode::OK);
        let Some(read_only) = ReadOnly::new(&sink(&kept)).unwrap() else {
            return;
        };
        // No request has to be the one that is told: a file may become due between two.
        let client = Client::new(process.address, dialer.clone(), 4);
        let read = async || {
            let request = Request::get(format!("https://localhost{OVERVIEW}"));
            let request = request.header("authorization", format!("Bearer {token}"));
            let answer = client.ask(request.body(Bytes::new()).unwrap());
            answer.await.unwrap().0
        };
        let unready = eventually(PATIENCE, async || {
            let told = join_all((0..32).map(|_| read())).await;
            let is_shut = told.contains(&StatusCode::SERVICE_UNAVAILABLE);
            Ok(is_shut && !process.is_ready().await?)
        });
        let unready = unready.await;
        assert!(unready.is_ok(), "it goes on: {}", process.log());
        for number in 0..10 {
            let status = change(&edge, &token, &format!("shut-{number}")).await;
            assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        }
        assert!(process.log().contains("audit_failed"), "{}", process.log());

        drop(read_only);
        let ready = eventually(SOON, async || process.is_ready().await);
        ready.await.unwrap();
        assert_eq!(change(&edge, &token, "after").await, StatusCode::OK);
        let report = verified(rig, &kept.audit(), &kept.checkpoints(), id).unwrap();
        assert!(report.is_sound() && report.files > 1, "{report:?}");
    }
}

pub(crate) async fn a_trail_that_cannot_be_written_stops_the_start(rig: &mut Rig) {
    let kept = Kept::new().unwrap();
    kept.of(rig.another("orders").unwrap())
        .start()
        .await
        .unwrap();
    for variable in ["STRATA_AUDIT__FOLDER", "STRATA_AUDIT__CHECKPOINTS"] {
        // Nobody can write there, not even root.
        let launch = kept.of(rig.another("orders").unwrap());
        let ended = launch.set(variable, "/proc/strata").run().await.unwrap();
        assert_eq!(ended.status.code(), Some(1), "{ended:?}");
        let what = "the audit trail cannot be kept in `/proc/strata`";
        assert!(ended.stderr.contains(what), "{ended:?}");
    }
    // Nor by two at once.
    let process = kept
        .of(rig.another("orders").unwrap())
        .start()
        .await
        .unwrap();
    let ended = kept.of(rig.another("orders").unwrap()).run().await.unwrap();
    assert!(ended.stderr.contains("another process keeps"), "{ended:?}");
    drop(process);
}

/// Killed under load at moments of chance, a few times; `tests/resilience` does it longer.
pub(crate) async fn what_was_answered_outlives_a_kill(rig: &mut Rig) {
    let outlived = trail::outlives_kills(rig, 4, 100).await.unwrap();
    assert!(outlived.answered > 0, "nothing was answered");
}
