//! The PROXY protocol: believed of trusted proxies, demanded of them, and taken from nobody else.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

use bytes::Bytes;
use http::Response;
use http_body_util::Full;
use ppp::v2::{Builder, Command, Protocol, Version};
use strata_net::{Limits, Peer, Transport};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::fixture::{Server, limits};

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
const CLIENT: &str = "192.0.2.7:1234";

fn header(command: Command) -> io::Result<Vec<u8>> {
    let address = |text: &str| text.parse::<SocketAddr>().unwrap();
    let addresses = (address(CLIENT), address("192.0.2.1:443"));
    Builder::with_addresses(Version::Two | command, Protocol::Stream, addresses).build()
}

/// Answers with the peer's address.
async fn server(trusted: &[&str]) -> Server {
    let limits = Limits {
        trusted_proxies: trusted.iter().map(|net| net.parse().unwrap()).collect(),
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
