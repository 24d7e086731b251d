//! Peers that take their time: closed at the deadline, and in nobody's way until then.

use std::{net::Ipv4Addr, sync::Arc, time::Duration};

use futures_util::future::{join, join_all};
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use strata_net::{Limits, Transport};
use strata_testkit::PREFACE;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    time::timeout,
};
use tokio_rustls::TlsConnector;

use crate::fixture::{Server, answers, call, channel_to, hop, limits};

const SHORT: Duration = Duration::from_millis(200);

async fn between_services(limits: Limits) -> (Server, Arc<ClientConfig>) {
    let (transport, caller) = hop();
    (Server::start(transport, limits).await, caller)
}

/// What comes until the other side closes; a test that would wait for ever fails.
async fn closed(mut stream: impl AsyncRead + Unpin) -> Vec<u8> {
    let mut reply = Vec::new();
    let closing = async { stream.read_to_end(&mut reply).await };
    let _ = timeout(Duration::from_secs(30), closing)
        .await
        .expect("the connection stays open");
    reply
}

#[tokio::test]
async fn a_stalled_handshake_is_closed() {
    let (server, config) = between_services(Limits {
        handshake_timeout: SHORT,
        ..limits()
    })
    .await;
    answers(&server, &config).await;

    closed(TcpStream::connect(server.address).await.unwrap()).await;
    // The head of a TLS record that never comes.
    let mut begun = TcpStream::connect(server.address).await.unwrap();
    begun.write_all(&[0x16, 0x03, 0x01, 0x02]).await.unwrap();
    closed(begun).await;

    assert_eq!(
        server.stop().await.1,
        ["handshake_timeout", "handshake_timeout"]
    );
}

#[tokio::test]
async fn silent_connections_take_no_handshake_slot() {
    let (server, config) = between_services(Limits {
        handshakes: 1,
        ..limits()
    })
    .await;
    let mut silent = Vec::new();
    for _ in 0..8 {
        silent.push(TcpStream::connect(server.address).await.unwrap());
    }
    answers(&server, &config).await;
}

#[tokio::test]
async fn handshakes_of_one_address_keep_a_pace_and_nobody_else_waits_for_them() {
    const MANY: usize = 10;
    let (server, config) = between_services(Limits {
        handshakes_per_address: 1,
        handshake_timeout: Duration::from_secs(4),
        ..limits()
    })
    .await;
    let address = server.address;
    let shake = async |from: [u8; 4]| {
        let socket = TcpSocket::new_v4()?;
        socket.bind((Ipv4Addr::from(from), 0).into())?;
        let stream = socket.connect(address).await?;
        let name = ServerName::try_from("localhost").unwrap();
        let mut stream = TlsConnector::from(config.clone())
            .connect(name, stream)
            .await?;
        // In TLS 1.3 a caller is done before its callee.
        stream.write_all(PREFACE).await?;
        stream.read_u8().await
    };
    let greedy = || shake([127, 0, 0, 2]);
    greedy().await.unwrap();
    let (all, honest) = join(join_all((0..MANY).map(|_| greedy())), shake([127, 0, 0, 3])).await;
    honest.unwrap();
    let refused = all.iter().filter(|one| one.is_err()).count();
    assert!((1..MANY).contains(&refused), "{refused} of {MANY}");
    assert_eq!(server.stop().await.1, vec!["too_many_handshakes"; refused]);
}

#[tokio::test]
async fn silence_after_the_handshake_is_closed() {
    let (server, config) = between_services(Limits {
        header_timeout: SHORT,
        ..limits()
    })
    .await;
    answers(&server, &config).await;

    for opening in [&b""[..], b"PRI * HTTP"] {
        let stream = TcpStream::connect(server.address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let tls = TlsConnector::from(config.clone());
        let mut stream = tls.connect(name, stream).await.unwrap();
        stream.write_all(opening).await.unwrap();
        stream.flush().await.unwrap();
        closed(stream).await;
    }
}

#[tokio::test]
async fn a_slow_request_head_is_closed() {
    let server = Server::start(
        Transport::Plain,
        Limits {
            header_timeout: SHORT,
            ..limits()
        },
    )
    .await;
    let ask = async |bytes: &[u8]| {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        String::from_utf8(closed(stream).await).unwrap()
    };
    let reply = ask(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await;
    assert!(reply.starts_with("HTTP/1.1 200"), "{reply}");
    for slow in ["", "GET /", "GET / HTTP/1.1\r\nhost: a\r\naccept: "] {
        assert!(!ask(slow.as_bytes()).await.contains(" 200 "), "{slow}");
    }
    assert_eq!(server.calls(), 1);
}

#[tokio::test]
async fn a_full_listener_serves_the_next_when_one_leaves() {
    let (server, config) = between_services(Limits {
        connections: 1,
        ..limits()
    })
    .await;
    let first = TcpStream::connect(server.address).await.unwrap();
    let second = tokio::spawn({
        let mut channel = channel_to(server.address, config);
        async move { call(&mut channel).await.map_err(|error| error.to_string()) }
    });
    tokio::task::yield_now().await;
    drop(first);
    second.await.unwrap().unwrap();
}
