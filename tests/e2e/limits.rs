//! Requests that are too many, too large, too deep or too slow: refused, while others beside them are
//! answered.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::StatusCode;
use prost::Message as _;
use proto_process_customer_overview::v1::{GetOverviewRequest, StreamOrdersRequest};
use serde_json::json;
use strata_testkit::{Credential, Probe};
use strata_tests::{Answer, Counts, Instance, Rig, eventually};
use tokio::time::sleep;
use tonic::{Code, Request};

use crate::{
    CONTACT, ORDERS, OVERVIEW, STREAM,
    chain::Chain,
    stores::{busiest, place},
};

const PATIENCE: Duration = Duration::from_secs(20);
const CUSTOMER: &str = "cus_000001";
const GET: &str = "/process.customer_overview.v1.CustomerOverviewService/GetOverview";
const LIST: &str = "/process.customer_overview.v1.CustomerOverviewService/StreamOrders";

/// A client of a Process API under the storefront's identity.
fn probe(rig: &Rig, process: &Instance) -> Probe {
    let caller = &rig.estate.service("storefront").unwrap().id;
    let credential = Credential::honest(rig.estate.pki(), caller).unwrap();
    Probe::new(rig.estate.pki(), process.address, &credential).unwrap()
}

/// A request for `user` with the given bytes.
fn request(rig: &Rig, user: &str, message: impl Into<Bytes>) -> Request<Bytes> {
    let mut request = Request::new(message.into());
    let mut user = rig.principal(user);
    user.roles = vec!["customer".to_owned()];
    let caller = &rig.estate.service("storefront").unwrap().id;
    rig.act_for(&user, caller, request.metadata_mut().as_mut())
        .unwrap();
    request
}

fn overview_of(customer: &str) -> Vec<u8> {
    let customer_id = customer.to_owned();
    GetOverviewRequest { customer_id }.encode_to_vec()
}

fn names(answer: &Answer, path: &str) -> bool {
    answer.is_problem(StatusCode::BAD_REQUEST) && answer.body["errors"][0]["path"] == json!(path)
}

pub(crate) async fn a_body_beyond_the_limit_is_refused(rig: &mut Rig) {
    let edge = rig.edge("storefront").unwrap();
    let token = rig.token("cus_000011").unwrap();
    let change = |padding: usize| json!({ "phone": "+447700900911", "idempotencyKey": "large", "a": "x".repeat(padding) });
    let refused = edge.patch(CONTACT, &token, &change(2 << 20)).await.unwrap();
    assert!(
        refused.is_problem(StatusCode::PAYLOAD_TOO_LARGE),
        "a body beyond the limit: {refused:?}"
    );
    // One that fits is read, and refused for what is wrong with it.
    let read = edge.patch(CONTACT, &token, &change(1 << 19)).await.unwrap();
    assert!(names(&read, "a"), "{read:?}");
    let mut honest = change(0);
    honest.as_object_mut().unwrap().remove("a");
    let changed = edge.patch(CONTACT, &token, &honest).await.unwrap();
    assert_eq!(changed.status, StatusCode::OK, "{changed:?}");
}

pub(crate) async fn a_value_beyond_its_limit_is_refused_by_name(rig: &mut Rig) {
    let edge = rig.edge("storefront").unwrap();
    let token = rig.token(CUSTOMER).unwrap();
    let process = rig.estate.service("customer-overview").unwrap();
    let before = Counts::of(process.admin).await.unwrap().all_requests();
    let long = "q".repeat(257);
    let path = format!("{ORDERS}?pageToken={long}");
    let refused = edge.get(&path, &token).await.unwrap();
    assert!(names(&refused, "pageToken"), "{refused:?}");
    assert!(!refused.body.to_string().contains("qqq"));
    let change = json!({ "phone": "+447700900911", "idempotencyKey": "k".repeat(65) });
    let refused = edge.patch(CONTACT, &token, &change).await.unwrap();
    assert!(names(&refused, "idempotencyKey"), "{refused:?}");
    let now = Counts::of(process.admin).await.unwrap().all_requests();
    assert_eq!(now, before, "a refused request went further");
}

/// The hop trusts no caller to have looked.
pub(crate) async fn a_hop_takes_no_message_it_must_not(rig: &mut Rig) {
    let chain = Chain::start(rig, |launch| launch).await;
    let mut probe = probe(rig, &chain.overview);
    let ask = async |probe: &mut Probe, message: Vec<u8>, coding: Option<&'static str>| {
        let mut request = request(rig, CUSTOMER, message);
        if let Some(coding) = coding {
            let coding = coding.parse().unwrap();
            request.metadata_mut().insert("grpc-encoding", coding);
        }
        probe.call(GET, request).await.map(|_| ())
    };
    ask(&mut probe, overview_of(CUSTOMER), None).await.unwrap();
    let before = Counts::of(chain.customers.admin).await.unwrap();

    let refused = ask(&mut probe, overview_of(&"q".repeat(65)), None).await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert!(refused.message().contains("`customer_id`"), "{refused:?}");
    assert!(!refused.message().contains("qq"), "{refused:?}");

    // Groups within one another: the decoder goes a hundred deep.
    let deep = [vec![0x13; 101], vec![0x14; 101]].concat();
    for (message, coding, code) in [
        (deep, None, Code::InvalidArgument),
        (vec![0x0a, 0xff], None, Code::InvalidArgument),
        (vec![0; (1 << 20) + 1], None, Code::OutOfRange),
        (overview_of(CUSTOMER), Some("gzip"), Code::Unimplemented),
    ] {
        let refused = ask(&mut probe, message, coding).await.unwrap_err();
        assert_eq!(refused.code(), code, "{refused:?}");
    }
    assert_eq!(Counts::of(chain.customers.admin).await.unwrap(), before);
    ask(&mut probe, overview_of(CUSTOMER), None).await.unwrap();
}

pub(crate) async fn one_request_too_many_is_refused_at_once(rig: &mut Rig) {
    let chain = Chain::start(rig, |launch| launch.set("STRATA_LIMITS__REQUESTS", "1")).await;
    let token = rig.token(CUSTOMER).unwrap();
    let asked = chain.edge.get(OVERVIEW, &token).await.unwrap();
    assert_eq!(asked.status, StatusCode::OK, "{asked:?}");
    chain.customers.halt().unwrap();
    let first = async { chain.edge.get(OVERVIEW, &token).await.unwrap() };
    let second = async {
        let under_way = eventually(PATIENCE, async || {
            Ok(Counts::of(chain.orders.admin).await?.all_requests() > 1)
        });
        under_way.await.unwrap();
        let refused = chain.edge.get(OVERVIEW, &token).await.unwrap();
        assert!(
            refused.is_problem(StatusCode::SERVICE_UNAVAILABLE),
            "a request too many: {refused:?}"
        );
        assert_eq!(refused.headers["retry-after"], "1");
        assert_eq!(Counts::of(chain.storefront.admin).await.unwrap().shed(), 1);
        let direct = request(rig, CUSTOMER, overview_of(CUSTOMER));
        let refused = probe(rig, &chain.overview).call(GET, direct).await;
        assert_eq!(refused.unwrap_err().code(), Code::Unavailable);
        assert_eq!(Counts::of(chain.overview.admin).await.unwrap().shed(), 1);
        assert!(chain.storefront.is_ready().await.unwrap());
        chain.customers.resume().unwrap();
    };
    let (first, ()) = tokio::join!(first, second);
    assert_eq!(first.status, StatusCode::OK, "{first:?}");
    let after = chain.edge.get(OVERVIEW, &token).await.unwrap();
    assert_eq!(after.status, StatusCode::OK, "{after:?}");
}

/// A stream that is not taken keeps its place, and ends at its deadline at the latest.
pub(crate) async fn a_stream_holds_its_place_and_ends_at_its_deadline(rig: &mut Rig) {
    let customer = busiest(rig).await;
    place(rig, &customer, 20_000).await;
    let chain = Chain::start(rig, |launch| {
        let launch = launch.set("STRATA_LIMITS__REQUEST_TIMEOUT", "3s");
        launch.set("STRATA_LIMITS__REQUESTS", "1")
    });
    let chain = chain.await;
    let mut probe = probe(rig, &chain.overview);
    let message = StreamOrdersRequest {
        customer_id: customer.clone(),
    };
    let asked = request(rig, &customer, message.encode_to_vec());
    let mut orders = probe.stream(LIST, asked).await.unwrap();
    assert!(orders.message().await.unwrap().is_some());

    let beside = request(rig, &customer, overview_of(&customer));
    let refused = probe.call(GET, beside).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);

    sleep(Duration::from_secs(4)).await;
    let ended = loop {
        match orders.message().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("the stream was whole before its deadline"),
            Err(status) => break status,
        }
    };
    assert_eq!(ended.code(), Code::DeadlineExceeded, "{ended:?}");
    drop(orders);
    let free = eventually(PATIENCE, async || {
        let beside = request(rig, &customer, overview_of(&customer));
        Ok(probe.clone().call(GET, beside).await.is_ok())
    });
    free.await.unwrap();
}

/// Over HTTP there is nothing to say any more: it is broken off, and does not look like a whole one.
pub(crate) async fn lines_end_at_their_deadline(rig: &mut Rig) {
    let customer = busiest(rig).await;
    place(rig, &customer, 20_000).await;
    let token = rig.token(&customer).unwrap();
    // The others would wait longer: it is the edge's deadline that ends it, which they are told.
    let chain = Chain::start(rig, |launch| launch).await;
    let hasty = rig.another("storefront").unwrap();
    let hasty = hasty
        .upstream("customer-overview", chain.overview.address)
        .set("STRATA_LIMITS__REQUEST_TIMEOUT", "2s");
    let hasty = hasty.start().await.unwrap();
    let edge = chain.edge.at(hasty.address);
    let asking = async { edge.get(STREAM, &token).await };
    let halting = async {
        let begun = eventually(PATIENCE, async || {
            Ok(Counts::of(hasty.admin).await?.all_requests() > 0)
        });
        begun.await.unwrap();
        chain.orders.halt().unwrap();
    };
    let begun = Instant::now();
    let (answer, ()) = tokio::join!(asking, halting);
    assert!(answer.is_err(), "{answer:?}");
    // Well before the listener would have ended the exchange, five seconds after the deadline.
    assert!(begun.elapsed() < Duration::from_secs(6), "too late");
    chain.orders.resume().unwrap();
    let after = edge.get(OVERVIEW, &token).await.unwrap();
    assert_eq!(after.status, StatusCode::OK, "{after:?}");
}
