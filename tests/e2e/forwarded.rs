//! Clients behind HTTP proxies. Each proxy here is a connection from an address of its own, kept for all
//! that it speaks for, which writes what a proxy writes.

use std::{fs, net::Ipv4Addr, path::Path};

use bytes::Bytes;
use http::{HeaderValue, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use strata_testkit::Dialer;
use strata_tests::{Answer, Counts, Instance, Rig, eventually};

use crate::{OVERVIEW, PATIENCE, consumers::change, folder::copy_of};

const PROXY: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
/// Not among the proxies.
const STRANGER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 3);
const ANOTHER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 4);
/// What the outer of two proxies is, to the inner.
const OUTER: &str = "10.0.0.9";
const PROXIES: &str = "[\"127.0.0.2/32\", \"10.0.0.0/24\"]";

/// One connection, over which many are spoken for.
struct Peer {
    sender: SendRequest<Empty<Bytes>>,
    token: String,
}

impl Peer {
    async fn connect(rig: &Rig, instance: &Instance, source: Ipv4Addr) -> Self {
        let dialer = Dialer::edge(&rig.estate.edge_ca(), &[b"h2"]).unwrap();
        let stream = dialer.from(source.into()).connect(instance.address).await;
        let stream = TokioIo::new(stream.unwrap());
        let made = http2::handshake(TokioExecutor::new(), stream).await;
        let (sender, connection) = made.unwrap();
        tokio::spawn(connection);
        let token = rig.token("cus_000001").unwrap();
        Self { sender, token }
    }

    /// Asks with these lines of `X-Forwarded-For`.
    async fn ask(&mut self, lines: &[&str]) -> Answer {
        let mut request = Request::get(format!("https://localhost{OVERVIEW}"))
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token))
            .body(Empty::new())
            .unwrap();
        for line in lines {
            let line = HeaderValue::from_bytes(line.as_bytes()).unwrap();
            request.headers_mut().append("x-forwarded-for", line);
        }
        let sent = self.sender.send_request(request).await;
        let (head, body) = sent
            .expect("the connection of a proxy is closed")
            .into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer {
            status: head.status,
            headers: head.headers,
            body: serde_json::from_slice(&body).unwrap(),
        }
    }

    async fn status(&mut self, lines: &[&str]) -> StatusCode {
        self.ask(lines).await.status
    }
}

/// A storefront behind so many proxies, where each network may ask three times and no more.
async fn behind(rig: &Rig, hops: usize) -> Instance {
    let launch = rig
        .another("storefront")
        .unwrap()
        .set("STRATA_LISTEN__X_FORWARDED_FOR__PROXIES", PROXIES)
        .set("STRATA_LISTEN__X_FORWARDED_FOR__HOPS", hops.to_string())
        .set("STRATA_LIMITS__NETWORK__REQUESTS", "3")
        .set("STRATA_LIMITS__NETWORK__PER", "1h");
    launch.start().await.unwrap()
}

const TAKEN: StatusCode = StatusCode::OK;
const LIMITED: StatusCode = StatusCode::TOO_MANY_REQUESTS;

/// Each client behind a proxy is limited on its own, and all of an IPv6 network of 64 bits as one.
pub(crate) async fn a_client_is_where_the_trusted_proxies_say(rig: &mut Rig) {
    let instance = behind(rig, 1).await;
    let mut proxy = Peer::connect(rig, &instance, PROXY).await;
    let mut other = Peer::connect(rig, &instance, PROXY).await;
    for _ in 0..3 {
        assert_eq!(proxy.status(&["192.0.2.1"]).await, TAKEN);
    }
    let refused = proxy.ask(&["192.0.2.1"]).await;
    let is_refused = refused.is_problem(LIMITED);
    assert!(
        is_refused,
        "a client behind a proxy is not counted: {refused:?}"
    );
    // By whichever connection, and written in whichever way.
    for same in ["192.0.2.1:80", "::ffff:192.0.2.1"] {
        assert_eq!(other.status(&[same]).await, LIMITED, "{same}");
    }
    for another in ["192.0.2.2", "192.0.2.3"] {
        let answer = proxy.ask(&[another]).await;
        assert_eq!(
            answer.status, TAKEN,
            "a client bears what another behind its proxy did: {answer:?}"
        );
    }
    for own in ["2001:db8::1", "[2001:db8::ffff:2]:9", "2001:db8::3"] {
        assert_eq!(proxy.status(&[own]).await, TAKEN, "{own}");
    }
    let answer = proxy.status(&["2001:db8::4"]).await;
    assert_eq!(answer, LIMITED, "a network of 64 bits counts as many");
    assert_eq!(proxy.status(&["2001:db8:0:1::1"]).await, TAKEN);
    let counts = Counts::of(instance.admin).await.unwrap();
    assert_eq!(counts.events("rate_limited", "network"), 4);
    let told = |line: &str| line.contains("rate_limited") && line.contains("192.0.2.1");
    assert!(instance.log().lines().any(told), "{}", instance.log());

    let instance = behind(rig, 2).await;
    let mut inner = Peer::connect(rig, &instance, PROXY).await;
    for lines in [
        &["192.0.2.1, 10.0.0.9"][..],
        &["192.0.2.1", OUTER],
        &["192.0.2.1:1234 ,10.0.0.9:80"],
    ] {
        assert_eq!(inner.status(lines).await, TAKEN, "{lines:?}");
    }
    assert_eq!(inner.status(&["192.0.2.1", OUTER]).await, LIMITED);
    assert_eq!(inner.status(&["192.0.2.2", OUTER]).await, TAKEN);
}

/// It stands at the left of what the proxies write: neither is it somebody else by it, nor is somebody
/// else refused for it.
pub(crate) async fn what_a_client_writes_itself_gains_nothing(rig: &mut Rig) {
    for (hops, by_proxies) in [(1, "192.0.2.1"), (2, "192.0.2.1, 10.0.0.9")] {
        let instance = behind(rig, hops).await;
        let mut proxy = Peer::connect(rig, &instance, PROXY).await;
        for _ in 0..3 {
            assert_eq!(proxy.status(&[by_proxies]).await, TAKEN);
        }
        for own in ["198.51.100.1", "198.51.100.2, 10.0.0.8", "10.0.0.7"] {
            let one_line = format!("{own}, {by_proxies}");
            for lines in [&[own, by_proxies][..], &[&one_line]] {
                let answer = proxy.status(lines).await;
                assert_eq!(
                    answer, LIMITED,
                    "an entry of the client's own counts: {lines:?}"
                );
            }
        }
        let victim = by_proxies.replace("192.0.2.1", "198.51.100.1");
        assert_eq!(proxy.status(&[&victim]).await, TAKEN);
    }
}

/// Nor refused for what it writes: to it the header means nothing.
pub(crate) async fn a_peer_that_is_no_proxy_is_not_believed(rig: &mut Rig) {
    let instance = behind(rig, 1).await;
    let mut proxy = Peer::connect(rig, &instance, PROXY).await;
    assert_eq!(proxy.status(&["192.0.2.1"]).await, TAKEN);
    let mut stranger = Peer::connect(rig, &instance, STRANGER).await;
    for own in ["192.0.2.1", "192.0.2.8", "192.0.2.9"] {
        assert_eq!(stranger.status(&[own]).await, TAKEN, "{own}");
    }
    let answer = stranger.status(&["192.0.2.10"]).await;
    assert_eq!(answer, LIMITED, "a stranger is believed");
    let mut another = Peer::connect(rig, &instance, ANOTHER).await;
    for lines in [&["nonsense"][..], &["é"], &[]] {
        assert_eq!(another.status(lines).await, TAKEN, "{lines:?}");
    }
    // Whom it named has not been counted.
    for _ in 0..2 {
        assert_eq!(proxy.status(&["192.0.2.1"]).await, TAKEN);
    }

    // And without the section nobody is a proxy.
    let launch = rig.another("storefront").unwrap();
    let launch = launch
        .set("STRATA_LIMITS__NETWORK__REQUESTS", "1")
        .set("STRATA_LIMITS__NETWORK__PER", "1h");
    let instance = launch.start().await.unwrap();
    let mut nobody = Peer::connect(rig, &instance, PROXY).await;
    assert_eq!(nobody.status(&["192.0.2.1"]).await, TAKEN);
    let answer = nobody.status(&["192.0.2.2"]).await;
    assert_eq!(answer, LIMITED, "somebody is believed who is not named");
}

pub(crate) async fn a_proxy_that_does_not_say_for_whom_is_refused(rig: &mut Rig) {
    let instance = behind(rig, 2).await;
    let mut proxy = Peer::connect(rig, &instance, PROXY).await;
    assert_eq!(proxy.status(&["192.0.2.1", OUTER]).await, TAKEN);
    for lines in [
        &[][..],
        &[OUTER],
        &["192.0.2.1", "192.0.2.2"],
        &["192.0.2.1, unknown, 10.0.0.9"],
        &["192.0.2.1", "", OUTER],
        &["192.0.2.1", "é", OUTER],
        &["é", "192.0.2.1", OUTER],
    ] {
        let refused = proxy.ask(lines).await;
        let is_refused = refused.is_problem(StatusCode::BAD_REQUEST);
        assert!(is_refused, "{lines:?}: {refused:?}");
        let told = refused.body.to_string();
        assert!(
            !told.contains("192.0.2") && !told.contains("proxy"),
            "{told}"
        );
    }
    let counts = Counts::of(instance.admin).await.unwrap();
    for (reason, times) in [
        ("no_client_address", 2),
        ("unknown_proxy", 1),
        ("malformed_client_address", 4),
    ] {
        assert_eq!(counts.events("peer_refused", reason), times, "{reason}");
    }
    // Nobody is counted for it, and the connection goes on.
    for _ in 0..2 {
        assert_eq!(proxy.status(&["192.0.2.1", OUTER]).await, TAKEN);
    }
}

fn block(folder: &Path, networks: &str) {
    let lists = format!(
        "[listen]\nallow = ['0.0.0.0/0', '::/0']\nblock = [{networks}]\n\
         [admin]\nallow = ['127.0.0.0/8']\n"
    );
    fs::write(folder.join("policy/networks.toml"), lists).unwrap();
}

pub(crate) async fn a_blocked_client_is_refused_and_others_of_its_connection_are_not(
    rig: &mut Rig,
) {
    let folder = copy_of(rig, "storefront");
    block(folder.path(), "");
    let launch = rig.another("storefront").unwrap().folder(folder.path());
    let instance = launch
        .set("STRATA_LISTEN__X_FORWARDED_FOR__PROXIES", PROXIES)
        .set("STRATA_LISTEN__X_FORWARDED_FOR__HOPS", "1")
        .start()
        .await
        .unwrap();
    let mut proxy = Peer::connect(rig, &instance, PROXY).await;
    let clients = ["192.0.2.7", "2001:db8:bad::1", "192.0.3.7"];
    for client in clients {
        assert_eq!(proxy.status(&[client]).await, TAKEN, "{client}");
    }

    block(folder.path(), "'192.0.2.0/24', '2001:db8:bad::/48'");
    let refused = eventually(PATIENCE, async || {
        Ok(proxy.status(&["192.0.2.7"]).await != TAKEN)
    });
    let refused = refused.await;
    assert!(
        refused.is_ok(),
        "a blocked client behind a proxy is answered"
    );
    for client in ["192.0.2.7:99", "::ffff:192.0.2.8", "2001:db8:bad::1"] {
        for lines in [&[client][..], &["192.0.3.7", client]] {
            let answer = proxy.ask(lines).await;
            assert!(
                answer.is_problem(StatusCode::FORBIDDEN),
                "{lines:?} {answer:?}"
            );
            assert!(!answer.body.to_string().contains("network"), "{answer:?}");
        }
    }
    // However often: its proxy is not shut out, nor anybody else behind it.
    for _ in 0..200 {
        let answer = proxy.status(&["192.0.2.7"]).await;
        assert_eq!(answer, StatusCode::FORBIDDEN);
    }
    for client in ["192.0.3.7", "2001:db8::1"] {
        let answer = proxy.ask(&[client]).await;
        assert_eq!(answer.status, TAKEN, "{client} bears it: {answer:?}");
    }
    // Nor is a line of the listener's own missing for it.
    let counts = Counts::of(instance.admin).await.unwrap();
    assert!(counts.events("peer_refused", "blocked_client") > 200);
    assert_eq!(counts.events("peer_refused", "blocked_network"), 0);

    block(folder.path(), "");
    let answered = eventually(PATIENCE, async || {
        Ok(proxy.status(&["192.0.2.7"]).await == TAKEN)
    });
    answered
        .await
        .expect("who is not blocked any more is refused");
}

pub(crate) async fn a_policy_decides_by_where_the_client_is(rig: &mut Rig) {
    let folder = copy_of(rig, "storefront");
    let here = "resource == Api::\"storefront\"\n) when { context.network.isInRange(ip(\"192.0.2.0/24\")) };";
    change(
        folder.path(),
        "access.cedar",
        "resource == Api::\"storefront\"\n);",
        here,
    );
    let launch = rig.another("storefront").unwrap().folder(folder.path());
    let instance = launch
        .set("STRATA_LISTEN__X_FORWARDED_FOR__PROXIES", PROXIES)
        .set("STRATA_LISTEN__X_FORWARDED_FOR__HOPS", "1")
        .start()
        .await
        .unwrap();
    let mut proxy = Peer::connect(rig, &instance, PROXY).await;
    assert_eq!(proxy.status(&["192.0.2.7"]).await, TAKEN);
    let mut stranger = Peer::connect(rig, &instance, STRANGER).await;
    for (peer, lines) in [
        (&mut proxy, &["198.51.100.7"][..]),
        (&mut stranger, &["192.0.2.7"]),
    ] {
        let answer = peer.ask(lines).await;
        assert!(
            answer.is_problem(StatusCode::FORBIDDEN),
            "{lines:?} {answer:?}"
        );
    }
    let mut again = Peer::connect(rig, &instance, PROXY).await;
    let own = again.ask(&["192.0.2.7", "198.51.100.7"]).await;
    assert!(own.is_problem(StatusCode::FORBIDDEN), "{own:?}");
    let counts = Counts::of(instance.admin).await.unwrap();
    assert_eq!(counts.events("policy_denied", "not_permitted"), 3);
}
