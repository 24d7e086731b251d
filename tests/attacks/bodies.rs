//! Bodies that are more than they seem: compressed, deep, or without end. The process stays as small as it
//! was, and a user beside is answered.

use std::io::Write as _;

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use http::{Request, StatusCode, header};
use serde_json::{Value, json};
use strata_testkit::Dialer;
use strata_tests::{Counts, Rig, load::Client, resident_bytes};

use crate::{CONTACT, OVERVIEW};

/// Each is sent so often, over one connection.
const TIMES: u64 = 20;
/// More than any attack here may cost a process.
const MOST_BYTES: u64 = 64 << 20;
/// What the bomb becomes.
const UNPACKED: usize = 32 << 20;

fn packed(body: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap().into()
}

/// A body, how it is said to be coded, and what it is answered.
fn hostile() -> [(&'static str, Bytes, Option<&'static str>, StatusCode); 6] {
    let nested = |open: &str, close: &str, depth: usize| {
        let text = [open.repeat(depth), close.repeat(depth)].concat();
        Bytes::from(format!("{{\"email\":{text}}}"))
    };
    let change = json!({ "phone": "+447700900902", "idempotencyKey": "bodies" });
    let bomb = packed(&vec![b' '; UNPACKED]);
    let refused = StatusCode::BAD_REQUEST;
    let coded = StatusCode::UNSUPPORTED_MEDIA_TYPE;
    [
        ("lists 10,000 deep", nested("[", "]", 10_000), None, refused),
        (
            "objects 10,000 deep",
            nested("{\"a\":", "", 10_000),
            None,
            refused,
        ),
        ("a bomb", bomb.clone(), Some("gzip"), coded),
        (
            "honest, but packed",
            packed(change.to_string().as_bytes()),
            Some("gzip"),
            coded,
        ),
        ("a bomb that says it is none", bomb, None, refused),
        (
            "four megabytes",
            Bytes::from(vec![b' '; 4 << 20]),
            None,
            StatusCode::PAYLOAD_TOO_LARGE,
        ),
    ]
}

pub(crate) async fn a_body_that_grows_or_goes_deep_is_refused(rig: &mut Rig) {
    let storefront = rig.another("storefront").unwrap().start().await.unwrap();
    let process = storefront.pid().unwrap();
    let dialer = Dialer::edge(&rig.estate.edge_ca(), &[b"h2"]).unwrap();
    let client = || Client::new(storefront.address, dialer.clone(), 1);
    let (attacker, user) = (client(), client());
    let bearer = format!("Bearer {}", rig.token("cus_000041").unwrap());
    let change = |body: Bytes, coding: Option<&str>| {
        let request = Request::patch(format!("https://localhost{CONTACT}"))
            .header(header::AUTHORIZATION, &bearer)
            .header(header::CONTENT_TYPE, "application/json");
        let request = match coding {
            Some(coding) => request.header(header::CONTENT_ENCODING, coding),
            None => request,
        };
        request.body(body).unwrap()
    };
    let honest = || {
        let body = json!({ "phone": "+447700900902", "idempotencyKey": "bodies" });
        change(body.to_string().into(), None)
    };
    let overview = || {
        let request = Request::get(format!("https://localhost{OVERVIEW}"));
        let request = request.header(header::AUTHORIZATION, &bearer);
        request.body(Bytes::new()).unwrap()
    };
    assert_eq!(attacker.ask(honest()).await.unwrap().0, StatusCode::OK);
    assert_eq!(user.ask(overview()).await.unwrap().0, StatusCode::OK);

    for (what, body, coding, expected) in hostile() {
        let memory = resident_bytes(process).unwrap();
        let before = Counts::of(storefront.admin).await.unwrap();
        for _ in 0..TIMES {
            let asked = attacker.ask(change(body.clone(), coding));
            let (asked, beside) = tokio::join!(asked, user.ask(overview()));
            let (status, answer) = asked.unwrap();
            assert_eq!(status, expected, "{what}: {answer:?}");
            let problem: Value = serde_json::from_slice(&answer).unwrap();
            assert_eq!(problem["code"], "INVALID_ARGUMENT", "{what}");
            assert_eq!(beside.unwrap().0, StatusCode::OK, "{what}: a user beside");
        }
        let after = Counts::of(storefront.admin).await.unwrap();
        let counted = |counts: &Counts| counts.outcomes("INVALID_ARGUMENT");
        assert_eq!(counted(&after), counted(&before) + TIMES, "{what}");
        let grown = resident_bytes(process).unwrap().saturating_sub(memory);
        assert!(grown < MOST_BYTES, "{what} takes {grown} bytes");
    }
    assert_eq!(attacker.ask(honest()).await.unwrap().0, StatusCode::OK);
}
