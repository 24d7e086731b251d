//! What is spoken on the port between services, and that nothing else is.

use std::{net::SocketAddr, sync::Arc};

use rustls::{ClientConfig, HandshakeKind, NamedGroup, client::Resumption};
use rustls_pki_types::ServerName;
use strata_core::Layer;
use strata_net::Transport;
use strata_testkit::Frame;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::fixture::{Ca, Leaf, Raw, Server, answers, callee, caller, domain, edge, hop, limits};

/// The client's part of opening HTTP/2: preface and empty SETTINGS (RFC 9113, section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// A ClientHello of `openssl s_client -tls1_2`.
const TLS_1_2: &[u8] = &[
    0x16, 0x03, 0x01, 0x00, 0x8c, 0x01, 0x00, 0x00, 0x88, 0x03, 0x03, 0x46, 0x12, 0x24, 0x5e, 0x93,
    0x3d, 0xc0, 0x41, 0x14, 0x36, 0xae, 0x8d, 0xfa, 0xc1, 0x61, 0x1b, 0xc2, 0xe2, 0x92, 0xb0, 0x7e,
    0xaf, 0xf7, 0x33, 0x37, 0xe2, 0xfe, 0x9e, 0x9c, 0x21, 0x52, 0x15, 0x00, 0x00, 0x04, 0xc0, 0x2b,
    0x00, 0xff, 0x01, 0x00, 0x00, 0x5b, 0x00, 0x0b, 0x00, 0x04, 0x03, 0x00, 0x01, 0x02, 0x00, 0x0a,
    0x00, 0x0c, 0x00, 0x0a, 0x00, 0x1d, 0x00, 0x17, 0x00, 0x1e, 0x00, 0x19, 0x00, 0x18, 0x00, 0x23,
    0x00, 0x00, 0x00, 0x10, 0x00, 0x05, 0x00, 0x03, 0x02, 0x68, 0x32, 0x00, 0x16, 0x00, 0x00, 0x00,
    0x17, 0x00, 0x00, 0x00, 0x0d, 0x00, 0x2a, 0x00, 0x28, 0x04, 0x03, 0x05, 0x03, 0x06, 0x03, 0x08,
    0x07, 0x08, 0x08, 0x08, 0x09, 0x08, 0x0a, 0x08, 0x0b, 0x08, 0x04, 0x08, 0x05, 0x08, 0x06, 0x04,
    0x01, 0x05, 0x01, 0x06, 0x01, 0x03, 0x03, 0x03, 0x01, 0x03, 0x02, 0x04, 0x02, 0x05, 0x02, 0x06,
    0x02,
];

/// Alert record: fatal, protocol_version (RFC 8446, section 6.2).
const PROTOCOL_VERSION: &[u8] = &[0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x46];

async fn between_services() -> (Server, Arc<ClientConfig>) {
    let (transport, caller) = hop();
    (Server::start(transport, limits()).await, caller)
}

/// Opens HTTP/2 and reads the first of the answer: tickets, if any, have come before it.
async fn open(address: SocketAddr, config: &Arc<ClientConfig>) -> TlsStream<TcpStream> {
    let stream = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = TlsConnector::from(config.clone())
        .connect(name, stream)
        .await
        .unwrap();
    stream.write_all(PREFACE).await.unwrap();
    stream.read_u8().await.unwrap();
    stream
}

/// Everything the server sends to one who says only this.
async fn reply(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut reply = Vec::new();
    let _ = stream.read_to_end(&mut reply).await;
    reply
}

#[tokio::test]
async fn post_quantum_key_exchange_is_negotiated() {
    let (server, config) = between_services().await;
    let stream = open(server.address, &config).await;
    let group = stream
        .get_ref()
        .1
        .negotiated_key_exchange_group()
        .unwrap()
        .name();
    assert_eq!(group, NamedGroup::X25519MLKEM768);
    assert_eq!(stream.get_ref().1.alpn_protocol().unwrap(), b"h2");
}

#[tokio::test]
async fn tls_1_2_is_refused() {
    let (server, config) = between_services().await;
    answers(&server, &config).await;
    assert_eq!(reply(server.address, TLS_1_2).await, PROTOCOL_VERSION);
    assert_eq!(server.stop().await.1, ["protocol"]);
}

#[tokio::test]
async fn plain_text_is_refused() {
    let (server, config) = between_services().await;
    answers(&server, &config).await;
    for text in [&b"GET / HTTP/1.1\r\nhost: callee\r\n\r\n"[..], PREFACE] {
        let reply = reply(server.address, text).await;
        assert!(!reply.starts_with(b"HTTP"), "{reply:?}");
    }
    assert_eq!(server.calls(), 1);
    assert_eq!(server.stop().await.1, ["protocol", "protocol"]);
}

#[tokio::test]
async fn http_1_1_is_refused_between_services() {
    let (server, config) = between_services().await;
    answers(&server, &config).await;
    let mut http1 = (*config).clone();
    http1.alpn_protocols = vec![b"http/1.1".to_vec()];
    let stream = TcpStream::connect(server.address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    assert!(
        TlsConnector::from(Arc::new(http1))
            .connect(name, stream)
            .await
            .is_err()
    );
    assert_eq!(server.stop().await.1, ["protocol"]);
}

#[tokio::test]
async fn sessions_resume_at_the_edge_but_never_between_services() {
    let kinds = async |address, config: &ClientConfig| {
        let mut config = config.clone();
        config.resumption = Resumption::in_memory_sessions(8);
        let config = Arc::new(config);
        let first = open(address, &config)
            .await
            .get_ref()
            .1
            .handshake_kind()
            .unwrap();
        let second = open(address, &config)
            .await
            .get_ref()
            .1
            .handshake_kind()
            .unwrap();
        [first, second]
    };

    let web = Ca::web();
    let storefront = edge(&web);
    let server = Server::start(
        Transport::Https(storefront.edge_config().unwrap()),
        limits(),
    )
    .await;
    let roots = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&roots, web.pem()).unwrap();
    let mut config = (*strata_tls::web_config(Some(roots.path())).unwrap()).clone();
    config.alpn_protocols = vec![b"h2".to_vec()];
    assert_eq!(
        kinds(server.address, &config).await,
        [HandshakeKind::Full, HandshakeKind::Resumed]
    );

    let (server, config) = between_services().await;
    assert_eq!(
        kinds(server.address, &config).await,
        [HandshakeKind::Full, HandshakeKind::Full]
    );
}

/// A resumed session would skip the verifier, and so the end of what it once verified.
#[tokio::test]
async fn an_expired_certificate_resumes_nothing() {
    let [process, system] =
        [Layer::Process, Layer::System].map(|layer| Ca::new(&domain(layer, "dev")));
    let callee = callee(&process, &system);
    let transport = Transport::Mtls {
        config: callee.server_config(),
        callers: callee.callers(),
    };
    let server = Server::start(transport, limits()).await;
    let honest = caller(&process, &system).client_config(callee.id());
    let until = time::Duration::seconds(4);
    let leaf = Leaf::of(&domain(Layer::Process, "dev"), "overview");
    let short = process.issue(&Leaf { until, ..leaf });
    let mut config = (*short.calling(&honest)).clone();
    config.resumption = Resumption::in_memory_sessions(8);
    let config = Arc::new(config);
    let whole = Frame::END_HEADERS | Frame::END_STREAM;
    let mut raw = Raw::open(server.address, &config, &[]).await;
    raw.send(&[Frame::request(1, whole)]).await;
    assert!(raw.next_of(Frame::HEADERS).await.is_some());
    assert_eq!(server.calls(), 1);

    // Its connection ends with it, and no other comes about.
    raw.closed().await;
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    let stream = TcpStream::connect(server.address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    // A client may believe the handshake done before it is told.
    if let Ok(mut refused) = TlsConnector::from(config).connect(name, stream).await {
        let kind = refused.get_ref().1.handshake_kind();
        assert_eq!(kind, Some(HandshakeKind::Full));
        let _ = refused.write_all(PREFACE).await;
        assert_eq!(refused.read(&mut [0; 1]).await.unwrap_or(0), 0);
    }
    assert_eq!(server.calls(), 1);
    assert_eq!(server.stop().await.1, ["expired", "expired"]);
}
