//! The port users call.

use std::net::SocketAddr;

use rustls_pki_types::ServerName;
use strata_net::Transport;
use strata_tls::web_config;
use tempfile::NamedTempFile;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::fixture::{Ca, Server, edge, limits};

async fn negotiated(address: SocketAddr, roots: &NamedTempFile, offered: &[&[u8]]) -> Vec<u8> {
    let mut config = (*web_config(Some(roots.path())).unwrap()).clone();
    config.alpn_protocols = offered.iter().map(|protocol| protocol.to_vec()).collect();
    let stream = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let stream = TlsConnector::from(std::sync::Arc::new(config))
        .connect(name, stream)
        .await;
    stream
        .unwrap()
        .get_ref()
        .1
        .alpn_protocol()
        .unwrap()
        .to_vec()
}

#[tokio::test]
async fn speaks_both_versions_of_http_and_asks_for_no_certificate() {
    let web = Ca::web();
    let roots = NamedTempFile::new().unwrap();
    std::fs::write(&roots, web.pem()).unwrap();
    let transport = Transport::Https(edge(&web).edge_config().unwrap());
    let server = Server::start(transport, limits()).await;

    assert_eq!(
        negotiated(server.address, &roots, &[b"h2", b"http/1.1"]).await,
        b"h2"
    );
    assert_eq!(
        negotiated(server.address, &roots, &[b"http/1.1"]).await,
        b"http/1.1"
    );

    let url = format!("https://localhost:{}/", server.address.port());
    let answer = strata_net::fetch::get(&url, Some(roots.path()))
        .await
        .unwrap();
    assert_eq!(answer, "", "a user has no SPIFFE ID");
    assert_eq!(server.calls(), 1);
}
