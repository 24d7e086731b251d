//! Peers that send more than they may: cut off and counted, while an honest one beside is answered
//! and memory stays bounded.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::Response;
use http_body_util::Full;
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use strata_net::{Limits, Transport};
use strata_testkit::Frame;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;

use crate::fixture::{Ca, Raw, Server, answers, edge, hop, limits};

const SHORT: Duration = Duration::from_millis(300);

/// More than any attack here may cost, in pages of 4 KiB.
const MOST_PAGES: usize = 64 * 1024 / 4;

async fn server(limits: Limits) -> (Server, Arc<ClientConfig>) {
    let (transport, config) = hop();
    (Server::start(transport, limits).await, config)
}

/// Pages of this process in memory (proc(5), statm).
fn pages() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse().unwrap()
}

/// Sends `frames(0)`, `frames(1)` and so on until cut off, which the server counts as `reason`.
async fn flood(settings: &[u8], reason: &str, frames: impl Fn(u32) -> Vec<Frame>) {
    let (server, config) = server(limits()).await;
    answers(&server, &config).await;
    let before = pages();

    let mut raw = Raw::open(server.address, &config, settings).await;
    let mut rounds = 0;
    while rounds < 20_000 && raw.send(&frames(rounds)).await {
        if rounds == 50 {
            answers(&server, &config).await;
        }
        rounds += 1;
    }
    raw.closed().await;
    answers(&server, &config).await;

    assert!(pages().saturating_sub(before) < MOST_PAGES, "{reason}");
    assert_eq!(server.stop().await.1, [reason]);
}

#[tokio::test]
async fn rapid_reset() {
    let whole = Frame::END_HEADERS | Frame::END_STREAM;
    flood(&[], "flood", |round| {
        let streams = (0..100).map(|at| 1 + 2 * (100 * round + at));
        streams
            .flat_map(|stream| [Frame::request(stream, whole), Frame::reset(stream)])
            .collect()
    })
    .await;
}

#[tokio::test]
async fn continuation() {
    flood(&[], "flood", |round| {
        // A literal field that is never indexed (RFC 7541, section 6.2.2).
        let field = [0x00, 0x01, b'x', 0x01, b'y'].repeat(20);
        if round == 0 {
            vec![Frame::request(1, Frame::END_STREAM)]
        } else {
            vec![Frame::new(Frame::CONTINUATION, 0, 1, &field); 10]
        }
    })
    .await;
}

/// What a connection may send beside its requests is counted, whether it is to be answered or not;
/// every answer is read.
async fn answered(frame: Frame) {
    let (server, config) = server(limits()).await;
    answers(&server, &config).await;
    let before = pages();
    let raw = Raw::open(server.address, &config, &[]).await;
    let sent = raw.flood(&vec![frame; 100], 200_000).await;
    assert!(sent < 200_000, "{sent}");
    answers(&server, &config).await;
    assert!(pages().saturating_sub(before) < MOST_PAGES);
    assert_eq!(server.calls(), 2);
    assert_eq!(server.stop().await.1, ["flood"]);
}

#[tokio::test]
async fn pings() {
    answered(Frame::new(Frame::PING, 0, 0, &[0; 8])).await;
}

#[tokio::test]
async fn settings() {
    answered(Frame::new(Frame::SETTINGS, 0, 0, &[])).await;
}

#[tokio::test]
async fn priorities() {
    answered(Frame::new(Frame::PRIORITY, 0, 1, &[0, 0, 0, 0, 1])).await;
}

#[tokio::test]
async fn window_updates() {
    // One byte more for the connection; the window stays below its end.
    answered(Frame::new(Frame::WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1])).await;
}

#[tokio::test]
async fn who_takes_nothing_is_closed() {
    let (transport, config) = hop();
    let limits = Limits {
        header_timeout: SHORT,
        ..limits()
    };
    let server = Server::with(transport, limits, |_| async {
        Response::new(Full::new(Bytes::from(vec![0; 64 << 20])))
    })
    .await;
    // Every window is open as far as it goes, and nobody reads.
    let mut raw = Raw::open(server.address, &config, &[0, 4, 0x7f, 0xff, 0xff, 0xff]).await;
    let open = Frame::new(Frame::WINDOW_UPDATE, 0, 0, &[0x7f, 0, 0, 0]);
    let whole = Frame::END_HEADERS | Frame::END_STREAM;
    raw.send(&[open, Frame::request(1, whole)]).await;
    let limited = async {
        while server.reasons().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(30), limited)
        .await
        .expect("nobody is cut off");
    assert_eq!(server.stop().await.1, ["unresponsive"]);
}

#[tokio::test]
async fn pings_between_requests_are_no_flood() {
    let (server, config) = server(limits()).await;
    let mut raw = Raw::open(server.address, &config, &[]).await;
    let whole = Frame::END_HEADERS | Frame::END_STREAM;
    for at in 0..1_000 {
        raw.send(&[
            Frame::request(1 + 2 * at, whole),
            Frame::new(Frame::PING, 0, 0, &[0; 8]),
        ])
        .await;
        assert!(raw.next_of(Frame::HEADERS).await.is_some(), "{at}");
    }
    assert_eq!(server.calls(), 1_000);
    drop(raw);
    assert!(server.stop().await.1.is_empty());
}

#[tokio::test]
async fn empty_data() {
    flood(&[], "flood", |round| {
        if round == 0 {
            vec![Frame::request(1, Frame::END_HEADERS)]
        } else {
            vec![Frame::new(Frame::DATA, 0, 1, &[]); 100]
        }
    })
    .await;
}

/// Each is reset. A thousand an honest client may come to in a connection's age, more it may not.
#[tokio::test]
async fn requests_that_are_none() {
    let (server, config) = server(limits()).await;
    let mut raw = Raw::open(server.address, &config, &[]).await;
    let whole = Frame::END_HEADERS | Frame::END_STREAM;
    // A method, and neither scheme nor path.
    let none = |at: u32| Frame::new(Frame::HEADERS, whole, 1 + 2 * at, &[0x83]);
    for at in 0..1_000 {
        raw.send(&[none(at)]).await;
        assert_eq!(raw.next_of(Frame::RESET).await.unwrap().stream, 1 + 2 * at);
    }
    raw.send(&[Frame::request(2_001, whole)]).await;
    assert!(raw.next_of(Frame::HEADERS).await.is_some());
    raw.send(&(1_001..1_100).map(none).collect::<Vec<_>>())
        .await;
    raw.closed().await;
    answers(&server, &config).await;
    assert_eq!(server.calls(), 2);
    assert_eq!(server.stop().await.1, ["flood"]);
}

#[tokio::test]
async fn five_thousand_streams() {
    let (transport, config) = hop();
    let server = Server::with(transport, limits(), |_| std::future::pending()).await;
    let most = limits().concurrent_streams;
    let requests = |number: u32| {
        let streams = (0..number).map(|at| Frame::request(1 + 2 * at, Frame::END_HEADERS));
        streams.collect::<Vec<_>>()
    };
    let mut honest = Raw::open(server.address, &config, &[]).await;
    honest.send(&requests(most)).await;
    while server.calls() < most as usize {
        tokio::task::yield_now().await;
    }

    let mut raw = Raw::open(server.address, &config, &[]).await;
    raw.send(&requests(5_000)).await;
    raw.closed().await;
    assert!(server.calls() <= 2 * most as usize);
    drop(honest);
    assert_eq!(server.stop().await.1, ["flood"]);
}

#[tokio::test]
async fn headers_without_end_are_answered_431_and_cost_nothing() {
    let (server, config) = server(limits()).await;
    let mut raw = Raw::open(server.address, &config, &[]).await;
    // 32 KiB in fields of a kilobyte each (RFC 7541, section 5.2: 0x7f 0x81 0x07 is 1,024).
    let mut field = vec![0x00, 0x01, b'x', 0x7f, 0x81, 0x07];
    field.extend([b'y'; 1024]);
    let mut frames = vec![Frame::request(1, Frame::END_STREAM)];
    for at in 0..4 {
        let flags = if at == 3 { Frame::END_HEADERS } else { 0 };
        frames.push(Frame::new(Frame::CONTINUATION, flags, 1, &field.repeat(8)));
    }
    raw.send(&frames).await;
    let answer = raw.next_of(Frame::HEADERS).await.unwrap();
    // `:status`, by the static table, with the value in Huffman's code (RFC 7541, appendices A, B):
    // 431 is 011010 011001 00001, filled up with ones.
    let status = answer.payload.windows(4);
    assert!(
        status.clone().any(|part| part == [0x83, 0x69, 0x90, 0xff]),
        "{answer:?}"
    );
    assert_eq!(server.calls(), 0);
    // The connection is still there for another.
    let whole = Frame::END_HEADERS | Frame::END_STREAM;
    raw.send(&[Frame::request(3, whole)]).await;
    // `:status 200` is an entry of the static table.
    let answer = raw.next_of(Frame::HEADERS).await.unwrap();
    assert_eq!((answer.stream, answer.payload[0]), (3, 0x88));
    answers(&server, &config).await;
}

/// As a user of the edge who speaks HTTP/1.1.
#[tokio::test]
async fn huge_headers_over_http_1_are_answered_431() {
    let web = Ca::web();
    let roots = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&roots, web.pem()).unwrap();
    let config = strata_tls::web_config(Some(roots.path())).unwrap();
    let transport = Transport::Https(edge(&web).edge_config().unwrap());
    let server = Server::start(transport, limits()).await;
    let ask = async |headers: &str| {
        let stream = TcpStream::connect(server.address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let tls = TlsConnector::from(config.clone());
        let mut stream = tls.connect(name, stream).await.unwrap();
        let head = format!("GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n{headers}\r\n");
        // It may be answered before it has all been taken.
        let _ = stream.write_all(head.as_bytes()).await;
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        String::from_utf8(answer.to_vec()).unwrap()
    };
    let many = |count: usize| "x: y\r\n".repeat(count);
    assert_eq!(ask(&many(60)).await, "HTTP/1.1 200");
    let before = pages();
    for large in [
        many(65),
        format!("x: {}\r\n", "y".repeat(200_000)),
        format!("{}: y\r\n", "x".repeat(200_000)),
        many(100_000),
    ] {
        assert_eq!(ask(&large).await, "HTTP/1.1 431");
    }
    assert_eq!(ask(&many(60)).await, "HTTP/1.1 200");
    assert!(pages().saturating_sub(before) < MOST_PAGES);
    assert_eq!(server.calls(), 2);
    assert_eq!(server.stop().await.1, vec!["headers_too_large"; 4]);
}

#[tokio::test]
async fn a_reader_with_a_closed_window_loses_its_stream_and_nothing_else() {
    let (transport, config) = hop();
    let limits = Limits {
        exchange_timeout: SHORT,
        ..limits()
    };
    let server = Server::with(transport, limits, |_| async {
        Response::new(Full::new(Bytes::from(vec![0; 1 << 20])))
    })
    .await;
    // SETTINGS_INITIAL_WINDOW_SIZE = 0 (RFC 9113, section 6.5.2).
    let mut raw = Raw::open(server.address, &config, &[0, 4, 0, 0, 0, 0]).await;
    let whole = Frame::END_HEADERS | Frame::END_STREAM;
    raw.send(&[Frame::request(1, whole)]).await;
    assert_eq!(raw.next_of(Frame::RESET).await.unwrap().stream, 1);
    // The connection is still there for another.
    raw.send(&[Frame::request(3, whole)]).await;
    assert_eq!(raw.next_of(Frame::HEADERS).await.unwrap().stream, 3);
    answers(&server, &config).await;
    drop(raw);
    assert!(server.stop().await.1.contains(&"slow_exchange".to_owned()));
}

/// Reads the whole request before it answers.
async fn reading(transport: Transport, limits: Limits) -> Server {
    Server::with(transport, limits, |request| async {
        let body = http_body_util::BodyExt::collect(request.into_body()).await;
        Response::new(Full::new(
            body.map(|body| body.to_bytes()).unwrap_or_default(),
        ))
    })
    .await
}

#[tokio::test]
async fn a_slow_body_loses_its_stream() {
    let (transport, config) = hop();
    let limits = Limits {
        exchange_timeout: SHORT,
        ..limits()
    };
    let server = reading(transport, limits).await;
    let mut raw = Raw::open(server.address, &config, &[]).await;
    raw.send(&[Frame::request(1, Frame::END_HEADERS)]).await;
    raw.send(&[Frame::new(Frame::DATA, 0, 1, b"a")]).await;
    assert_eq!(raw.next_of(Frame::RESET).await.unwrap().stream, 1);
    let whole = Frame::END_HEADERS | Frame::END_STREAM;
    raw.send(&[Frame::request(3, whole)]).await;
    assert_eq!(raw.next_of(Frame::HEADERS).await.unwrap().stream, 3);
    answers(&server, &config).await;
    drop(raw);
    assert_eq!(server.stop().await.1, ["slow_exchange"]);
}

#[tokio::test]
async fn a_slow_body_over_http_1_is_closed() {
    let limits = Limits {
        exchange_timeout: SHORT,
        header_timeout: SHORT,
        ..limits()
    };
    let server = reading(Transport::Plain, limits).await;
    let ask = async |body: &[u8]| {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        let head = b"POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 4\r\n\r\n";
        stream.write_all(head).await.unwrap();
        stream.write_all(body).await.unwrap();
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer).await;
        answer
    };
    assert!(ask(b"body").await.starts_with("HTTP/1.1 200"));
    assert_eq!(ask(b"b").await, "");
    assert!(ask(b"body").await.starts_with("HTTP/1.1 200"));
    assert_eq!(server.stop().await.1, ["slow_exchange"]);
}

#[tokio::test]
async fn a_head_that_stops_is_closed() {
    let (server, config) = server(Limits {
        header_timeout: SHORT,
        ..limits()
    })
    .await;
    let mut raw = Raw::open(server.address, &config, &[]).await;
    raw.send(&[Frame::request(1, 0)]).await;
    raw.closed().await;
    answers(&server, &config).await;
    assert_eq!(server.calls(), 1);
    assert_eq!(server.stop().await.1, ["unresponsive"]);
}

#[tokio::test]
async fn one_address_cannot_take_every_connection() {
    let (server, config) = server(Limits {
        connections_per_address: 4,
        ..limits()
    })
    .await;
    let mut held = Vec::new();
    for _ in 0..4 {
        let mut raw = Raw::open(server.address, &config, &[]).await;
        raw.next().await.unwrap();
        held.push(raw);
    }
    let mut fifth = Raw::socket(server.address).await;
    assert_eq!(fifth.read(&mut [0; 1]).await.unwrap_or(0), 0);
    answers(&server, &config).await;
    // A place is free once the server has seen somebody go.
    drop(held);
    let mut sixth = Raw::socket(server.address).await;
    while let Ok(Ok(_)) = timeout(SHORT, sixth.read(&mut [0; 1])).await {
        sixth = Raw::socket(server.address).await;
    }
    drop(sixth);
    let reasons = server.stop().await.1;
    assert!(!reasons.is_empty());
    assert!(
        reasons
            .iter()
            .all(|reason| reason == "too_many_connections"),
        "{reasons:?}"
    );
}

#[tokio::test]
async fn who_says_nothing_is_counted_over_either_version_of_http() {
    for versions in [&[&b"h2"[..]][..], &[b"http/1.1"]] {
        let web = Ca::web();
        let roots = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&roots, web.pem()).unwrap();
        let limits = Limits {
            header_timeout: SHORT,
            ..limits()
        };
        let transport = Transport::Https(edge(&web).edge_config().unwrap());
        let server = Server::start(transport, limits).await;
        let mut config = (*strata_tls::web_config(Some(roots.path())).unwrap()).clone();
        config.alpn_protocols = versions.iter().map(|name| name.to_vec()).collect();
        let stream = Raw::socket(server.address).await;
        let name = ServerName::try_from("localhost").unwrap();
        let tls = TlsConnector::from(Arc::new(config));
        let mut stream = tls.connect(name, stream).await.unwrap();
        let mut rest = Vec::new();
        let _closed = stream.read_to_end(&mut rest).await;
        assert_eq!(server.stop().await.1, ["silent"], "{versions:?}");
    }
}

#[tokio::test]
async fn a_stranger_who_flooded_is_not_taken_again_at_once() {
    let web = Ca::web();
    let roots = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&roots, web.pem()).unwrap();
    let transport = Transport::Https(edge(&web).edge_config().unwrap());
    let server = Server::start(transport, limits()).await;
    let mut config = (*strata_tls::web_config(Some(roots.path())).unwrap()).clone();
    config.alpn_protocols = vec![b"h2".to_vec()];

    let mut raw = Raw::open_as("localhost", server.address, &config.into(), &[]).await;
    let whole = Frame::END_HEADERS | Frame::END_STREAM;
    let mut id = 1;
    while raw
        .send(&[Frame::request(id, whole), Frame::reset(id)])
        .await
    {
        id += 2;
    }
    raw.closed().await;
    let mut again = Raw::socket(server.address).await;
    assert_eq!(again.read(&mut [0; 1]).await.unwrap_or(0), 0);
    let url = format!("https://localhost:{}/", server.address.port());
    let honest = strata_net::fetch::get(&url, Some(roots.path())).await;
    assert_eq!(honest.unwrap(), "");
    assert_eq!(server.stop().await.1, ["flood", "flooded_before"]);
}
