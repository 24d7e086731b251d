//! An issuer of tokens that signs whatever a test wants.

use std::{net::Ipv4Addr, time::Duration};

use axum::{Json, Router, routing::get};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{
    Algorithm, EncodingKey, Header,
    jwk::{Jwk, JwkSet},
};
use serde_json::{Value, json};
use strata_net::{Limits, Networks, Transport};
use strata_telemetry::Events;
use time::OffsetDateTime;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

const KEY: &str = "the-key";
fn limits() -> Limits {
    Limits {
        connections: 16,
        connections_per_address: 256,
        handshakes: 1,
        handshakes_per_address: 1000,
        handshake_timeout: Duration::from_secs(5),
        concurrent_streams: 16,
        header_timeout: Duration::from_secs(5),
        exchange_timeout: Duration::from_secs(60),
        connection_age: Duration::from_secs(3600),
        drain_timeout: Duration::from_secs(1),
        trusted_proxies: Vec::new(),
        networks: Networks::loopback(),
    }
}

/// A key of the algorithm services accept.
fn key() -> (EncodingKey, Vec<u8>) {
    let pair = rcgen::KeyPair::generate().unwrap();
    let public = pair.public_key_pem().into_bytes();
    (EncodingKey::from_ec_der(&pair.serialize_der()), public)
}

/// Serves discovery and its one key on loopback until dropped.
pub(crate) struct Issuer {
    pub(crate) url: String,
    pub(crate) audience: String,
    key: EncodingKey,
    public: Vec<u8>,
    _shutdown: DropGuard,
}

impl Issuer {
    pub(crate) async fn start(audience: &str) -> Self {
        Self::over(Transport::Plain, audience).await
    }

    /// As [`Self::start`], over TLS: what every environment but dev asks for.
    pub(crate) async fn over(transport: Transport, audience: &str) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let url = match transport {
            Transport::Plain => format!("http://{address}"),
            _ => format!("https://localhost:{}", address.port()),
        };
        let (key, public) = key();
        let mut jwk = Jwk::from_encoding_key(&key, Algorithm::ES256).unwrap();
        jwk.common.key_id = Some(KEY.to_owned());
        let keys = JwkSet { keys: vec![jwk] };
        let discovery = json!({ "issuer": url, "jwks_uri": format!("{url}/jwks") });
        let router = Router::new()
            .route(
                "/.well-known/openid-configuration",
                get(|| std::future::ready(Json(discovery))),
            )
            .route("/jwks", get(|| std::future::ready(Json(keys))));
        let shutdown = CancellationToken::new();
        let stop = shutdown.clone();
        tokio::spawn(async move {
            let events = Events::new(&opentelemetry::global::meter("issuer"));
            strata_net::serve(listener, transport, router, &limits(), events, stop).await
        });
        Self {
            url,
            audience: audience.to_owned(),
            key,
            public,
            _shutdown: shutdown.drop_guard(),
        }
    }

    /// The header of an honest token (RFC 9068, section 2.1).
    pub(crate) fn header() -> Header {
        let mut header = Header::new(Algorithm::ES256);
        header.typ = Some("at+jwt".to_owned());
        header.kid = Some(KEY.to_owned());
        header
    }

    /// The claims of an honest token, some of them changed; null takes one away.
    pub(crate) fn claims(&self, changes: &Value) -> Value {
        let now = OffsetDateTime::now_utc().unix_timestamp();
        let mut claims = json!({
            "iss": self.url, "sub": "cus_000001", "aud": self.audience,
            "iat": now, "nbf": now, "exp": now + 300, "jti": "1", "client_id": "strata-dev",
            "scope": "overview:read orders:read", "roles": ["customer"],
        });
        let members = claims.as_object_mut().unwrap();
        members.extend(changes.as_object().unwrap().clone());
        members.retain(|_, value| !value.is_null());
        claims
    }

    /// A token with the issuer's own signature.
    pub(crate) fn sign(&self, header: &Header, claims: &Value) -> String {
        jsonwebtoken::encode(header, claims, &self.key).unwrap()
    }

    /// A token that names the issuer's key and is signed by another.
    pub(crate) fn sign_with_another_key(&self) -> String {
        let claims = self.claims(&json!({}));
        jsonwebtoken::encode(&Self::header(), &claims, &key().0).unwrap()
    }

    /// A token signed with HMAC, its secret the issuer's public key: accepted by whoever lets the
    /// token choose the algorithm.
    pub(crate) fn confuse(&self) -> String {
        let mut header = Self::header();
        header.alg = Algorithm::HS256;
        let secret = EncodingKey::from_secret(&self.public);
        jsonwebtoken::encode(&header, &self.claims(&json!({})), &secret).unwrap()
    }

    /// A token without a signature (RFC 7519, section 6).
    pub(crate) fn unsigned(&self) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let header = json!({ "alg": "none", "typ": "at+jwt", "kid": KEY });
        format!("{}.{}.", part(&header), part(&self.claims(&json!({}))))
    }

    /// An honest token whose claims were changed after it was signed.
    pub(crate) fn tamper(&self) -> String {
        let honest = self.sign(&Self::header(), &self.claims(&json!({})));
        let claims = self.claims(&json!({ "sub": "cus_000002" })).to_string();
        let parts: Vec<&str> = honest.split('.').collect();
        format!(
            "{}.{}.{}",
            parts[0],
            URL_SAFE_NO_PAD.encode(claims),
            parts[2]
        )
    }
}
