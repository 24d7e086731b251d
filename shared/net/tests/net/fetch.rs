//! The small GET: what it follows, and what it does not.

use bytes::Bytes;
use http::Response;
use http_body_util::Full;
use strata_net::{NetError, Transport, fetch::get};
use tempfile::NamedTempFile;

use crate::fixture::{Ca, Server, edge, limits};

async fn issuer() -> Server {
    Server::with(Transport::Plain, limits(), |request| async move {
        let (status, body) = match request.uri().path() {
            "/jwks" => (200, Bytes::from_static(b"{}")),
            "/moved" => (302, Bytes::new()),
            "/large" => (200, Bytes::from(vec![b' '; 256 * 1024 + 1])),
            _ => (404, Bytes::new()),
        };
        let response = Response::builder()
            .status(status)
            .header("location", "/jwks");
        response.body(Full::new(body)).unwrap()
    })
    .await
}

#[tokio::test]
async fn one_bounded_answer_without_redirects() {
    let server = issuer().await;
    let url = |path| format!("http://{}{path}", server.address);
    assert_eq!(get(&url("/jwks"), None).await.unwrap(), "{}");
    assert!(matches!(
        get(&url("/moved"), None).await,
        Err(NetError::Status { status: 302, .. })
    ));
    assert!(matches!(
        get(&url("/none"), None).await,
        Err(NetError::Status { status: 404, .. })
    ));
    assert!(matches!(
        get(&url("/large"), None).await,
        Err(NetError::Answer { .. })
    ));
    assert_eq!(server.calls(), 4);
}

#[tokio::test]
async fn plain_http_on_loopback_only() {
    let server = issuer().await;
    let local = format!("http://localhost:{}/jwks", server.address.port());
    assert_eq!(get(&local, None).await.unwrap(), "{}");
    // TEST-NET-1 (RFC 5737): nothing is sent there, the address alone decides.
    let far = get("http://192.0.2.1/jwks", None).await;
    assert!(matches!(far, Err(NetError::NotLoopback { .. })));
    for url in [
        "ftp://localhost/jwks",
        "localhost/jwks",
        "/jwks",
        "http://user@localhost/jwks",
    ] {
        assert!(
            matches!(get(url, None).await, Err(NetError::Url(_))),
            "{url}"
        );
    }
}

#[tokio::test]
async fn https_is_verified_against_the_given_roots() {
    let roots = |ca: &Ca| {
        let file = NamedTempFile::new().unwrap();
        std::fs::write(&file, ca.pem()).unwrap();
        file
    };
    let web = Ca::web();
    let transport = Transport::Https(edge(&web).edge_config().unwrap());
    let server = Server::start(transport, limits()).await;
    let url = format!("https://localhost:{}/", server.address.port());

    assert!(get(&url, Some(roots(&web).path())).await.is_ok());
    let stranger = get(&url, Some(roots(&Ca::web()).path())).await;
    assert!(
        matches!(stranger, Err(NetError::Refused { .. })),
        "{stranger:?}"
    );
    assert!(matches!(
        get(&url, None).await,
        Err(NetError::Refused { .. } | NetError::Roots(_))
    ));
}
