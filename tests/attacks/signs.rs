//! What answers say of who made them: nothing. Also those that no layer of ours has seen.

use std::net::SocketAddr;

use bytes::Bytes;
use strata_testkit::{Credential, Dialer, Probe};
use strata_tests::Rig;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::timeout,
};
use tonic::Request;

use crate::{CONTACT, OVERVIEW, PATIENCE};

/// Header fields that name software (RFC 9110, sections 7.6.3 and 10.2.4, and habits).
const BANNERS: [&str; 6] = [
    "server:",
    "via:",
    "x-powered-by:",
    "x-aspnet-version:",
    "x-generator:",
    "x-runtime:",
];
/// What all of this is made of, and where it lies.
const NAMES: [&str; 14] = [
    "axum", "hyper", "tonic", "tower", "tokio", "rustls", "rust/", ".rs:", "sqlite", "sqlx",
    "cedar", "panicked", "/src/", "/home/",
];

/// One byte more than a body may have: whatever is sent after it is lost with the answer.
const BEYOND: usize = (1 << 20) + 1;

/// Everything that comes back over HTTP/1.1.
async fn told(dialer: &Dialer, address: SocketAddr, request: &str) -> String {
    let mut stream = dialer.connect(address).await.unwrap();
    // It may be answered before it has all been taken.
    let _ = stream.write_all(request.as_bytes()).await;
    let _ = stream.flush().await;
    let mut answer = Vec::new();
    let reading = timeout(PATIENCE, stream.read_to_end(&mut answer));
    let _ = reading.await.expect("it does not end");
    String::from_utf8_lossy(&answer).into_owned()
}

fn assert_says_nothing(what: &str, answer: &str) {
    let answer = answer.to_lowercase();
    let (head, _) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    for line in head.lines() {
        let banner = BANNERS.iter().any(|banner| line.starts_with(banner));
        assert!(!banner, "{what} has a banner: {line}");
    }
    for name in NAMES {
        assert!(!answer.contains(name), "{what} names {name}: {answer}");
    }
}

pub(crate) async fn no_answer_says_what_serves_it(rig: &mut Rig) {
    let address = rig.estate.service("storefront").unwrap().address;
    let dialer = Dialer::edge(&rig.estate.edge_ca(), &[b"http/1.1"]).unwrap();
    let token = rig.token("cus_000001").unwrap();
    let ask = |line: &str, more: &str, body: &str| {
        format!(
            "{line} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
             authorization: Bearer {token}\r\n{more}\r\n{body}"
        )
    };
    let json = "content-type: application/json\r\n";
    let large = format!("{json}content-length: {BEYOND}\r\n");
    for (status, request) in [
        (200, ask(&format!("GET {OVERVIEW}"), "", "")),
        (400, ask(&format!("GET {OVERVIEW}?unknown=1"), "", "")),
        (
            400,
            ask(
                &format!("PATCH {CONTACT}"),
                &format!("{json}content-length: 1\r\n"),
                "x",
            ),
        ),
        (
            401,
            format!("GET {OVERVIEW} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"),
        ),
        (404, ask("GET /nothing", "", "")),
        (405, ask(&format!("DELETE {OVERVIEW}"), "", "")),
        (
            413,
            ask(&format!("PATCH {CONTACT}"), &large, &" ".repeat(BEYOND)),
        ),
        (
            415,
            ask(&format!("PATCH {CONTACT}"), "content-length: 1\r\n", "x"),
        ),
        (
            431,
            ask(&format!("GET {OVERVIEW}"), &"x: y\r\n".repeat(100), ""),
        ),
        (400, "GET / HTTP/9.9\r\n\r\n".to_owned()),
        (400, "no request at all\r\n\r\n".to_owned()),
    ] {
        let answer = told(&dialer, address, &request).await;
        let expected = format!("HTTP/1.1 {status}");
        assert!(answer.starts_with(&expected), "not {status}: {answer}");
        assert_says_nothing(&format!("a {status}"), &answer);
    }

    // Between services: what a caller is told of a message that is none, and of a method there is not.
    let customers = rig.estate.service("customers").unwrap();
    let caller = &rig.estate.service("customer-overview").unwrap().id;
    let credential = Credential::honest(rig.estate.pki(), caller).unwrap();
    let mut probe = Probe::new(rig.estate.pki(), customers.address, &credential).unwrap();
    for (method, message) in [("GetCustomer", &b"\xff"[..]), ("Nothing", b"")] {
        let mut request = Request::new(Bytes::copy_from_slice(message));
        let user = rig.principal("cus_000001");
        rig.act_for(&user, caller, request.metadata_mut().as_mut())
            .unwrap();
        let path = format!("/system.customers.v1.CustomersService/{method}");
        let status = probe.call(&path, request).await.unwrap_err();
        let headers = status.metadata().clone().into_headers();
        let headers = headers
            .iter()
            .map(|(name, value)| format!("{name}: {value:?}"));
        let said = [
            headers.collect::<Vec<_>>(),
            vec![String::new(), status.message().to_owned()],
        ];
        assert_says_nothing(method, &said.concat().join("\r\n"));
    }
}
