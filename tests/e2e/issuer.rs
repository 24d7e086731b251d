//! An issuer of tokens that signs whatever a test wants.

use std::{
    collections::BTreeMap,
    net::Ipv4Addr,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Json, Router, extract::State};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use http::{StatusCode, Uri};
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
const DISCOVERY: &str = "/.well-known/openid-configuration";
const KEYS: &str = "/jwks";

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
        http_proxies: Vec::new(),
        networks: Networks::loopback(),
    }
}

/// A key of the algorithm services accept.
fn key() -> (EncodingKey, rcgen::KeyPair) {
    let pair = rcgen::KeyPair::generate().unwrap();
    (EncodingKey::from_ec_der(&pair.serialize_der()), pair)
}

/// The public half of a key, by a name.
fn named(key: &EncodingKey, name: &str) -> Jwk {
    let mut jwk = Jwk::from_encoding_key(key, Algorithm::ES256).unwrap();
    jwk.common.key_id = Some(name.to_owned());
    jwk
}

/// What may lead to an attacker's key.
pub(crate) struct Forged {
    pub(crate) jwk: Jwk,
    pub(crate) x5c: Vec<String>,
}

/// Serves discovery and its one key on loopback until stopped or dropped.
pub(crate) struct Issuer {
    pub(crate) url: String,
    pub(crate) audience: String,
    name: &'static str,
    key: EncodingKey,
    public: Vec<u8>,
    served: Arc<Served>,
    shutdown: Option<DropGuard>,
}

/// What is asked of an issuer.
struct Served {
    url: String,
    keys: Mutex<JwkSet>,
    /// How often, by path.
    asked: Mutex<BTreeMap<String, usize>>,
}

async fn answer(State(served): State<Arc<Served>>, uri: Uri) -> Result<Json<Value>, StatusCode> {
    let mut asked = served.asked.lock().unwrap();
    *asked.entry(uri.path().to_owned()).or_default() += 1;
    let url = &served.url;
    match uri.path() {
        DISCOVERY => Ok(Json(
            json!({ "issuer": url, "jwks_uri": format!("{url}{KEYS}") }),
        )),
        KEYS => Ok(Json(json!(*served.keys.lock().unwrap()))),
        _ => Err(StatusCode::NOT_FOUND),
    }
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
        let (key, pair) = key();
        let served = Arc::new(Served {
            url: url.clone(),
            keys: Mutex::new(JwkSet {
                keys: vec![named(&key, KEY)],
            }),
            asked: Mutex::default(),
        });
        let router = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&served));
        let shutdown = CancellationToken::new();
        let stop = shutdown.clone();
        tokio::spawn(async move {
            let events = Events::new(&opentelemetry::global::meter("issuer"));
            strata_net::serve(listener, transport, router, &limits(), events, stop).await
        });
        Self {
            url,
            audience: audience.to_owned(),
            name: KEY,
            key,
            public: pair.public_key_pem().into_bytes(),
            served,
            shutdown: Some(shutdown.drop_guard()),
        }
    }

    /// How often its keys were fetched.
    pub(crate) fn fetched(&self) -> usize {
        self.served.asked.lock().unwrap()[KEYS]
    }

    /// Everything that was asked of it.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.served.asked.lock().unwrap().keys().cloned().collect()
    }

    /// Signs with another key from now on, and publishes no other.
    pub(crate) fn rotate(&mut self) {
        (self.key, self.name) = (key().0, "the-next-key");
        self.served.keys.lock().unwrap().keys = vec![named(&self.key, self.name)];
    }

    /// Answers nobody any more; it can still sign.
    pub(crate) fn stop(&mut self) {
        self.shutdown = None;
    }

    /// An honest token of the key it signs with now, some claims of it changed.
    pub(crate) fn token(&self, changes: &Value) -> String {
        let mut header = Self::header();
        header.kid = Some(self.name.to_owned());
        self.sign(&header, &self.claims(changes))
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

    /// A token of an attacker's own key, whose header leads there.
    pub(crate) fn forge(&self, lead: impl FnOnce(&mut Header, Forged)) -> String {
        let (key, pair) = key();
        let certificate = rcgen::CertificateParams::default()
            .self_signed(&pair)
            .unwrap();
        let mut header = Self::header();
        lead(
            &mut header,
            Forged {
                jwk: named(&key, KEY),
                x5c: vec![STANDARD.encode(certificate.der())],
            },
        );
        jsonwebtoken::encode(&header, &self.claims(&json!({})), &key).unwrap()
    }

    /// An honest token that says it was signed otherwise; by `none`, not at all (RFC 7519, section 6).
    pub(crate) fn said_to_be(&self, algorithm: &str) -> String {
        let honest = self.sign(&Self::header(), &self.claims(&json!({})));
        let (signed, signature) = honest.rsplit_once('.').unwrap();
        let (_, claims) = signed.split_once('.').unwrap();
        let header = json!({ "alg": algorithm, "typ": "at+jwt", "kid": KEY });
        let header = URL_SAFE_NO_PAD.encode(header.to_string());
        let none = algorithm.eq_ignore_ascii_case("none");
        let signature = if none { "" } else { signature };
        format!("{header}.{claims}.{signature}")
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
