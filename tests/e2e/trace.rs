//! The trace of a request, from the edge to the stores.

use http::{StatusCode, header::AUTHORIZATION};
use serde_json::Value;
use strata_tests::Rig;

use crate::{OVERVIEW, chain::Chain};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// The trace ids of the requests a process says it answered.
fn answered(log: &str) -> Vec<String> {
    let lines = log
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let answered = lines.filter(|line| line["message"] == "answered");
    answered
        .map(|line| line["trace_id"].as_str().unwrap().to_owned())
        .collect()
}

/// Sends a request with a `traceparent` through processes that log every request, as JSON.
async fn ask(rig: &Rig, traceparent: &str) -> Chain {
    let chain = Chain::start(rig, |launch| {
        launch.set("STRATA_TELEMETRY__LOG_FORMAT", "json").set(
            "STRATA_TELEMETRY__LOG_FILTER",
            "info,strata_middleware=debug",
        )
    });
    let chain = chain.await;
    let token = rig.token("cus_000001").unwrap();
    let asked = chain.edge.send(OVERVIEW, |request| {
        request
            .header(AUTHORIZATION, format!("Bearer {token}"))
            .header("traceparent", traceparent)
    });
    assert_eq!(asked.await.unwrap().status, StatusCode::OK);
    chain
}

pub(crate) async fn every_hop_logs_the_trace_of_the_request(rig: &mut Rig) {
    let chain = ask(rig, &format!("00-{TRACE}-00f067aa0ba902b7-01")).await;
    for (service, process) in chain.processes() {
        assert_eq!(answered(&process.log()), [TRACE], "{service}");
    }
}

/// One that is not valid is no trace; the new one is the same at every hop.
pub(crate) async fn a_trace_that_is_none_is_replaced(rig: &mut Rig) {
    let chain = ask(
        rig,
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
    )
    .await;
    let begun = answered(&chain.storefront.log());
    assert_eq!(begun.len(), 1);
    assert!(begun[0].len() == 32 && begun[0].bytes().any(|digit| digit != b'0'));
    for (service, process) in chain.processes() {
        assert_eq!(answered(&process.log()), begun, "{service}");
    }
}
