//! Access tokens that are bound to a certificate (RFC 8705, section 3).

use std::{fs, net::SocketAddr, path::Path};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use strata_config::{Environment, dns_name};
use strata_core::Layer;
use strata_testkit::{Connected, Credential, Dialer};
use strata_tests::{Counts, Rig};

use crate::{OVERVIEW, issuer::Issuer};

/// A client's certificate, signed by nobody but itself.
fn own_certificate(folder: &Path, days: i64) -> (Credential, Value) {
    let pair = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::default();
    let now = time::OffsetDateTime::now_utc();
    params.not_before = now - time::Duration::days(2);
    params.not_after = now + time::Duration::days(days);
    let certificate = params.self_signed(&pair).unwrap();
    let [pem, key] = ["client.pem", "client.key"].map(|name| folder.join(name));
    fs::write(&pem, certificate.pem()).unwrap();
    fs::write(&key, pair.serialize_pem()).unwrap();
    let thumbprint = URL_SAFE_NO_PAD.encode(Sha256::digest(certificate.der()));
    let credential = Credential::read(&pem, &key).unwrap();
    (credential, json!({ "x5t#S256": thumbprint }))
}

/// Asks over a connection of its own; an error when there is none, or it ends before the answer.
async fn ask(
    dialer: &Dialer,
    address: SocketAddr,
    tokens: &[&str],
) -> Result<Vec<StatusCode>, Box<dyn std::error::Error>> {
    over(dialer.connect(address).await?, tokens).await
}

async fn over(
    stream: Connected,
    tokens: &[&str],
) -> Result<Vec<StatusCode>, Box<dyn std::error::Error>> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let mut answered = Vec::new();
    for token in tokens {
        let request = Request::get(OVERVIEW)
            .header(header::HOST, "localhost")
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .body(Empty::<Bytes>::new())?;
        sender.ready().await?;
        let response = sender.send_request(request).await?;
        answered.push(response.status());
        http_body_util::BodyExt::collect(response.into_body()).await?;
    }
    connection.abort();
    Ok(answered)
}

/// A bound token is taken from who holds the key of its certificate, and from nobody else.
pub(crate) async fn a_bound_token_is_taken_from_its_holder_alone(rig: &mut Rig) {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let audience = dns_name(Layer::Experience, Environment::Dev, "storefront");
    let issuer = Issuer::start(&format!("https://{audience}")).await;
    let launch = |asks: bool| {
        let launch = rig.another("storefront").unwrap();
        launch
            .set("STRATA_TOKENS__ISSUER", &issuer.url)
            .set("STRATA_TOKENS__CLIENT_CERTIFICATES", asks.to_string())
    };
    let (holder, thumbprint) = own_certificate(folder.path(), 1);
    let (stranger, _) = own_certificate(other.path(), 1);
    let roots = rig.estate.edge_ca();
    let presenting =
        |credential: &Credential| Dialer::holder(&roots, credential, &[b"http/1.1"]).unwrap();
    let token = |confirmation: &Value| issuer.token(&json!({ "cnf": confirmation }));
    let (bound, free) = (token(&thumbprint), issuer.token(&json!({})));
    let (taken, refused) = (StatusCode::OK, StatusCode::UNAUTHORIZED);

    let asking = launch(true).start().await.unwrap();
    let by = async |credential: &Credential, tokens: &[&str]| {
        let dialer = presenting(credential);
        ask(&dialer, asking.address, tokens).await.unwrap()
    };
    // Twice: remembering a token must not unbind it.
    assert_eq!(by(&holder, &[&bound, &bound, &free]).await, [taken; 3]);
    for another in [&stranger, &Credential::none()] {
        let got = by(another, &[&bound, &free]).await;
        assert_eq!(got, [refused, taken]);
    }
    let mut both = thumbprint.clone();
    both["jkt"] = json!("0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
    let unknown = [
        token(&json!({ "jkt": both["jkt"] })),
        token(&json!({ "kid": "a-key" })),
        token(&json!({})),
        token(&json!({ "x5t#S256": "short" })),
        token(&json!({ "x5t#S256": 7 })),
        token(&both),
    ];
    let unknown: Vec<&str> = unknown.iter().map(String::as_str).collect();
    assert_eq!(by(&holder, &unknown).await, [refused; 6]);
    let counts = Counts::of(asking.admin).await.unwrap();
    assert_eq!(counts.events("token_refused", "wrong_certificate"), 2);
    assert_eq!(counts.events("token_refused", "unknown_binding"), 6);

    // A session that is resumed keeps the certificate it was made with.
    let dialer = presenting(&holder);
    for kind in ["Full", "Resumed"] {
        let stream = dialer.connect(asking.address).await.unwrap();
        let made = format!("{:?}", stream.get_ref().1.handshake_kind());
        assert!(made.contains(kind), "{made} instead of {kind}");
        assert_eq!(over(stream, &[&bound]).await.unwrap(), [taken]);
    }

    // A certificate is no secret: who has it and not its key gets no connection.
    let [stolen, own_key] = [(&folder, "client.pem"), (&other, "client.key")]
        .map(|(folder, name)| folder.path().join(name));
    let dialer = presenting(&Credential::read(&stolen, &own_key).unwrap());
    assert!(ask(&dialer, asking.address, &[&bound]).await.is_err());
    let counts = Counts::of(asking.admin).await.unwrap();
    assert_eq!(counts.events("peer_refused", "protocol"), 1);
    // Whoever signed it, its time must not be over.
    let (expired, _) = own_certificate(folder.path(), -1);
    let dialer = presenting(&expired);
    assert!(ask(&dialer, asking.address, &[&free]).await.is_err());
    let counts = Counts::of(asking.admin).await.unwrap();
    assert_eq!(counts.events("peer_refused", "expired"), 1);

    // Where none is asked for, nobody can show to hold one.
    let silent = launch(false).start().await.unwrap();
    let dialer = presenting(&holder);
    let got = ask(&dialer, silent.address, &[&bound, &free]).await;
    assert_eq!(got.unwrap(), [refused, taken]);
}
