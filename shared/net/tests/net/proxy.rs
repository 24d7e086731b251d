//! The PROXY protocol: believed of trusted proxies, demanded of them, and taken from nobody else.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

use bytes::Bytes;
use http::Response;
use http_body_util::Full;
use ppp::v2::{Builder, Command, Protocol, Version};
use strata_net::{Limits, NetworkRules, Networks, Peer, Transport};
use strata_testkit::Frame;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::watch,
};

use crate::fixture::{Ca, Raw, Server, edge, limits};

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
const CLIENT: &str = "192.0.2.7:1234";

fn header(command: Command) -> io::Result<Vec<u8>> {
    let address = |text: &str| text.parse::<SocketAddr>().unwrap();
    let addresses = (address(CLIENT), address("192.0.2.1:443"));
    Builder::with_addresses(Version::Two | command, Protocol::Stream, addresses).build()
}

/// Answers with the peer's address.
async fn server(trusted: &[&str]) -> Server {
    behind(trusted, limits().networks).await
}

async fn behind(trusted: &[&str], networks: Networks) -> Server {
    let limits = Limits {
        trusted_proxies: trusted.iter().map(|net| net.parse().unwrap()).collect(),
        networks,
        ..limits()
    };
    Server::with(Transport::Plain, limits, |request| async move {
        let peer = request.extensions().get::<Peer>().unwrap();
        Response::new(Full::new(Bytes::from(peer.address.to_string())))
    })
    .await
}

async fn ask(server: &Server, before: &[u8]) -> String {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let _ = stream.write_all(&[before, REQUEST].concat()).await;
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer).await;
    answer
}

#[tokio::test]
async fn a_trusted_proxy_says_whom_it_speaks_for() {
    let server = server(&["10.0.0.0/8", "127.0.0.0/8"]).await;
    let answer = ask(&server, &header(Command::Proxy).unwrap()).await;
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.ends_with(CLIENT),
        "{answer}"
    );
    // A health check speaks for the proxy itself.
    let answer = ask(&server, &header(Command::Local).unwrap()).await;
    let own = IpAddr::from(Ipv4Addr::LOCALHOST).to_string();
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.contains(&own),
        "{answer}"
    );
}

#[tokio::test]
async fn a_trusted_proxy_that_says_nothing_or_nonsense_is_closed() {
    let server = server(&["127.0.0.1/32"]).await;
    let mut longer = header(Command::Proxy).unwrap();
    longer[14..16].copy_from_slice(&u16::MAX.to_be_bytes());
    for before in [&b""[..], b"PROXY TCP4 192.0.2.7 192.0.2.1 1 2\r\n", &longer] {
        assert_eq!(ask(&server, before).await, "");
    }
    assert_eq!(server.calls(), 0);
    assert_eq!(server.stop().await.1, ["no_proxy_header"; 3]);
}

#[tokio::test]
async fn nobody_else_may() {
    let server = server(&["10.0.0.0/8"]).await;
    let answer = ask(&server, b"").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let answer = ask(&server, &header(Command::Proxy).unwrap()).await;
    assert!(!answer.contains(" 200 "), "{answer}");
    assert_eq!(server.calls(), 1);
}

fn rules(allow: &[&str], block: &[&str]) -> NetworkRules {
    let parsed = |list: &[&str]| {
        list.iter()
            .map(|it| it.parse().unwrap())
            .collect::<Vec<_>>()
    };
    NetworkRules::new(&parsed(allow), &parsed(block))
}

#[tokio::test]
async fn a_blocked_network_is_refused_before_anything_is_read() {
    let honest = behind(&[], Networks::fixed(rules(&["127.0.0.0/8"], &[]))).await;
    assert!(ask(&honest, b"").await.starts_with("HTTP/1.1 200"));
    for refusing in [
        rules(&["127.0.0.0/8"], &["127.0.0.1/32"]),
        rules(&["10.0.0.0/8"], &[]),
        rules(&[], &[]),
    ] {
        let server = behind(&[], Networks::fixed(refusing)).await;
        assert_eq!(ask(&server, b"").await, "");
        assert_eq!(server.calls(), 0);
        assert_eq!(server.stop().await.1, ["blocked_network"]);
    }
}

#[tokio::test]
async fn whom_a_proxy_speaks_for_is_asked_about_too() {
    let from = header(Command::Proxy).unwrap();
    let allowed = ["127.0.0.0/8", "192.0.2.0/24"];
    let honest = behind(&["127.0.0.0/8"], Networks::fixed(rules(&allowed, &[]))).await;
    assert!(ask(&honest, &from).await.starts_with("HTTP/1.1 200"));
    let blocked = rules(&allowed, &["192.0.2.7/32"]);
    let server = behind(&["127.0.0.0/8"], Networks::fixed(blocked)).await;
    assert_eq!(ask(&server, &from).await, "");
    // The proxy's own health checks go on.
    let local = header(Command::Local).unwrap();
    assert!(ask(&server, &local).await.starts_with("HTTP/1.1 200"));
    assert_eq!(server.calls(), 1);
    assert_eq!(server.stop().await.1, ["blocked_network"]);
}

#[tokio::test]
async fn a_proxy_that_is_blocked_leaves_with_all_it_speaks_for() {
    let allowed = ["127.0.0.0/8", "192.0.2.0/24"];
    let (lists, networks) = watch::channel(rules(&allowed, &[]));
    let server = behind(&["127.0.0.0/8"], Networks::watched(networks)).await;
    let mut open = TcpStream::connect(server.address).await.unwrap();
    let from = header(Command::Proxy).unwrap();
    let asked = [&from[..], b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"].concat();
    open.write_all(&asked).await.unwrap();
    let mut answer = [0; 1024];
    assert!(open.read(&mut answer).await.unwrap() > 0);
    lists.send_replace(rules(&allowed, &["127.0.0.1/32"]));
    while open.read(&mut answer).await.is_ok_and(|read| read > 0) {}
    assert_eq!(server.stop().await.1, ["blocked_network"]);
}

#[tokio::test]
async fn a_list_that_changes_is_in_force_at_once() {
    let (lists, networks) = watch::channel(rules(&["127.0.0.0/8"], &[]));
    let server = behind(&[], Networks::watched(networks)).await;
    assert!(ask(&server, b"").await.starts_with("HTTP/1.1 200"));
    // One that is open and idle.
    let mut open = TcpStream::connect(server.address).await.unwrap();
    open.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .unwrap();
    let mut answer = [0; 1024];
    assert!(open.read(&mut answer).await.unwrap() > 0);
    lists.send_replace(rules(&["127.0.0.0/8"], &["127.0.0.0/8"]));
    while open.read(&mut answer).await.is_ok_and(|read| read > 0) {}
    assert_eq!(ask(&server, b"").await, "");
    assert_eq!(server.calls(), 2);
    lists.send_replace(rules(&["127.0.0.0/8"], &[]));
    assert!(ask(&server, b"").await.starts_with("HTTP/1.1 200"));
    assert_eq!(server.stop().await.1, ["blocked_network"; 2]);
}

/// A proxy gives up what its clients do, and all of them would bear what one of them did.
#[tokio::test]
async fn a_proxy_of_many_may_give_up_more_than_a_stranger_and_is_not_shut_out() {
    let web = Ca::web();
    let roots = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&roots, web.pem()).unwrap();
    let mut config = (*strata_tls::web_config(Some(roots.path())).unwrap()).clone();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let config = config.into();
    let whole = Frame::END_HEADERS | Frame::END_STREAM;
    let given_up = |from: u32| {
        let streams = (from..from + 200).map(|at| 1 + 2 * at);
        streams.flat_map(move |stream| [Frame::request(stream, whole), Frame::reset(stream)])
    };
    for (proxies, is_proxy) in [("10.0.0.0/8", false), ("127.0.0.2/32", true)] {
        let limits = Limits {
            http_proxies: vec![proxies.parse().unwrap()],
            ..limits()
        };
        let transport = Transport::Https(edge(&web).edge_config().unwrap());
        let server = Server::start(transport, limits).await;
        let mut raw = Raw::open_as("localhost", server.address, &config, &[]).await;
        let asked = Frame::request(401, whole);
        raw.send(&given_up(0).chain([asked]).collect::<Vec<_>>())
            .await;
        let mut answered = false;
        while !answered && let Some(answer) = raw.next_of(Frame::HEADERS).await {
            answered = answer.stream == 401;
        }
        assert_eq!(answered, is_proxy, "{proxies}");
        // It may not give up everything for ever either.
        let mut from = 201;
        while raw.send(&given_up(from).collect::<Vec<_>>()).await {
            from += 200;
        }
        raw.closed().await;
        if is_proxy {
            let mut again = Raw::open_as("localhost", server.address, &config, &[]).await;
            again.send(&[Frame::request(1, whole)]).await;
            let answer = again.next_of(Frame::HEADERS).await;
            assert!(answer.is_some(), "a proxy is shut out after a flood");
            drop(again);
        }
        assert_eq!(server.stop().await.1, ["flood"], "{proxies}");
    }
}
