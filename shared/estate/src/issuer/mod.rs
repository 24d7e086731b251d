//! A dev OpenID provider on loopback: discovery, keys and a token endpoint that trusts whoever
//! reaches it. Services accept it in dev only, because it speaks plain HTTP.

mod routes;
mod token;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context as _, Result, ensure};
use strata_net::{Limits, Networks, Transport};
use strata_telemetry::Events;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use self::token::Signer;
pub use self::token::{TOKEN_LIFETIME, TokenRequest, TokenResponse};

fn limits() -> Limits {
    Limits {
        connections: 256,
        connections_per_address: 256,
        handshakes: 1,
        handshakes_per_address: 1000,
        handshake_timeout: Duration::from_secs(5),
        concurrent_streams: 100,
        header_timeout: Duration::from_secs(5),
        exchange_timeout: Duration::from_secs(60),
        connection_age: Duration::from_secs(3600),
        drain_timeout: Duration::from_secs(1),
        trusted_proxies: Vec::new(),
        http_proxies: Vec::new(),
        networks: Networks::loopback(),
    }
}

/// The running issuer.
pub struct Issuer {
    signer: Arc<Signer>,
    shutdown: CancellationToken,
    server: JoinHandle<strata_net::Drained>,
}

impl Issuer {
    /// Serves on `address` (port 0: any). Tokens are for `audiences` unless a request names another.
    ///
    /// # Errors
    /// When the address is not loopback or cannot be bound.
    pub async fn start(address: SocketAddr, audiences: Vec<String>) -> Result<Self> {
        ensure!(
            address.ip().is_loopback(),
            "the dev issuer gives tokens to anyone: bind it to loopback, not to {address}"
        );
        let listener = TcpListener::bind(address)
            .await
            .with_context(|| format!("the dev issuer cannot listen on {address}"))?;
        let bound = listener
            .local_addr()
            .context("the dev issuer has no address")?;
        let signer = Arc::new(Signer::new(format!("http://{bound}"), audiences)?);
        let shutdown = CancellationToken::new();
        let service = routes::router(Arc::clone(&signer));
        let events = Events::new(&opentelemetry::global::meter("issuer"));
        let stop = shutdown.clone();
        let server = tokio::spawn(async move {
            strata_net::serve(listener, Transport::Plain, service, &limits(), events, stop).await
        });
        Ok(Self {
            signer,
            shutdown,
            server,
        })
    }

    /// Its identifier, which is also its base URL.
    #[must_use]
    pub fn url(&self) -> &str {
        self.signer.issuer()
    }

    /// Where `grant_type=password` gets a token.
    #[must_use]
    pub fn token_endpoint(&self) -> String {
        format!("{}{}", self.url(), routes::TOKEN)
    }

    /// A token, without asking over HTTP.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn token(&self, request: &TokenRequest) -> Result<String> {
        self.signer.sign(request)
    }

    /// Stops serving.
    pub async fn stop(self) {
        self.shutdown.cancel();
        let _drained = self.server.await;
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{Request, StatusCode, header::CONTENT_TYPE};
    use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header, jwk::JwkSet};
    use serde_json::Value;

    use super::*;
    use crate::client::send;

    const AUDIENCE: &str = "https://edge.org.example";

    async fn issuer() -> Issuer {
        Issuer::start(([127, 0, 0, 1], 0).into(), vec![AUDIENCE.to_owned()])
            .await
            .unwrap()
    }

    async fn get(url: &str) -> Bytes {
        let answer = send(Request::get(url).body(Bytes::new()).unwrap(), None)
            .await
            .unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        answer.into_body()
    }

    async fn ask(issuer: &Issuer, form: &'static str) -> http::Response<Bytes> {
        let request = Request::post(issuer.token_endpoint())
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Bytes::from_static(form.as_bytes()))
            .unwrap();
        send(request, None).await.unwrap()
    }

    #[tokio::test]
    async fn a_token_is_verified_by_what_discovery_leads_to() {
        let issuer = issuer().await;
        let answer = ask(
            &issuer,
            "grant_type=password&username=cus_1&scope=a+b&roles=customer+staff&region=north&tenant=teahouse",
        )
        .await;
        assert_eq!(answer.status(), StatusCode::OK);
        let token: TokenResponse = serde_json::from_slice(answer.body()).unwrap();

        let discovery = get(&format!(
            "{}/.well-known/openid-configuration",
            issuer.url()
        ))
        .await;
        let discovery: Value = serde_json::from_slice(&discovery).unwrap();
        assert_eq!(discovery["issuer"], issuer.url());
        let keys = get(discovery["jwks_uri"].as_str().unwrap()).await;
        let keys: JwkSet = serde_json::from_slice(&keys).unwrap();

        let header = decode_header(&token.access_token).unwrap();
        assert_eq!(
            (header.alg, header.typ.as_deref()),
            (Algorithm::ES256, Some("at+jwt"))
        );
        let key = keys.find(&header.kid.unwrap()).unwrap();
        let mut validation = Validation::new(Algorithm::ES256);
        validation.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
        validation.set_issuer(&[issuer.url()]);
        validation.set_audience(&[AUDIENCE]);
        validation.validate_nbf = true;
        let key = DecodingKey::from_jwk(key).unwrap();
        let claims = decode::<Value>(&token.access_token, &key, &validation)
            .unwrap()
            .claims;
        assert_eq!(claims["sub"], "cus_1");
        assert_eq!(claims["scope"], "a b");
        assert_eq!(claims["roles"], serde_json::json!(["customer", "staff"]));
        assert_eq!(claims["region"], "north");
        assert_eq!(claims["tenant"], "teahouse");
        issuer.stop().await;
    }

    #[tokio::test]
    async fn other_grants_and_nobody_get_no_token() {
        let issuer = issuer().await;
        assert_eq!(
            ask(&issuer, "grant_type=password&username=u&scope=")
                .await
                .status(),
            200
        );
        for form in [
            "grant_type=client_credentials&username=u&scope=a",
            "grant_type=password&username=&scope=a",
        ] {
            let answer = ask(&issuer, form).await;
            assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{form}");
            assert!(
                !answer
                    .body()
                    .windows(12)
                    .any(|part| part == b"access_token")
            );
        }
        issuer.stop().await;
    }

    #[tokio::test]
    async fn it_is_never_reachable_from_outside() {
        let outcome = Issuer::start(([0, 0, 0, 0], 0).into(), Vec::new()).await;
        assert!(outcome.err().unwrap().to_string().contains("loopback"));
    }
}
