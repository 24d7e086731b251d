//! An issuer that nothing of the estate is in: a certified OpenID provider.

use std::process::Stdio;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{Request, StatusCode, header};
use serde_json::{Value, json};
use strata_config::{Environment, dns_name};
use strata_core::Layer;
use strata_estate::client;
use strata_tests::{
    Counts, Rig,
    programs::{node, source},
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    process::Child,
    time::timeout,
};

use crate::PATIENCE;

const CLIENT: &str = "strata-dev";
/// The client is made for the test, with its provider.
const SECRET: &str = "of-this-test-alone";
const SCOPE: &str = "overview:read orders:read";
const OVERVIEW: &str = "/v1/me/overview";

/// A running provider. It ends when dropped.
struct Provider {
    url: String,
    _process: Child,
}

impl Provider {
    /// Nothing where there is no Node.
    async fn start() -> Option<Self> {
        let mut node = node("interop/oidc").await.unwrap()?;
        let mut process = node
            .arg(source("interop/oidc/provider.js").unwrap())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let plan = json!({
            "client": CLIENT, "secret": SECRET, "scope": SCOPE,
            "subject": "cus_000001", "roles": ["customer"],
        });
        let stdin = process.stdin.as_mut().unwrap();
        stdin
            .write_all(format!("{plan}\n").as_bytes())
            .await
            .unwrap();
        let mut said = BufReader::new(process.stdout.take().unwrap()).lines();
        let url = timeout(PATIENCE, said.next_line()).await;
        Some(Self {
            url: url.expect("it starts").unwrap().expect("it says its URL"),
            _process: process,
        })
    }

    /// An access token by the client's own credentials (RFC 6749, section 4.4), for `resource` (RFC
    /// 8707, section 2).
    async fn token(&self, resource: &str) -> String {
        let credentials = STANDARD.encode(format!("{CLIENT}:{SECRET}"));
        let form = [
            ("grant_type", "client_credentials"),
            ("scope", SCOPE),
            ("resource", resource),
        ];
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        let request = Request::post(format!("{}/token", self.url))
            .header(header::AUTHORIZATION, format!("Basic {credentials}"))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Bytes::from(body.extend_pairs(form).finish()))
            .unwrap();
        let answer = client::send(request, None).await.unwrap();
        let said: Value = serde_json::from_slice(answer.body()).unwrap();
        assert_eq!(
            answer.status(),
            StatusCode::OK,
            "{}",
            said["error_description"]
        );
        said["access_token"].as_str().unwrap().to_owned()
    }
}

/// What a certified provider issues for an Experience API is taken there, and for another is not.
pub(crate) async fn a_certified_provider_is_an_issuer(rig: &mut Rig) {
    let Some(provider) = Provider::start().await else {
        return;
    };
    let launch = rig.another("storefront").unwrap();
    let storefront = launch
        .set("STRATA_TOKENS__ISSUER", &provider.url)
        .start()
        .await
        .unwrap();
    let edge = rig.edge("storefront").unwrap().at(storefront.address);
    let audience = |service| {
        let name = dns_name(Layer::Experience, Environment::Dev, service);
        format!("https://{name}")
    };
    let token = provider.token(&audience("storefront")).await;
    let answer = edge.get(OVERVIEW, &token).await.unwrap();
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert_eq!(answer.body["profile"]["customerId"], "cus_000001");

    let token = provider.token(&audience("support-desk")).await;
    let answer = edge.get(OVERVIEW, &token).await.unwrap();
    assert!(answer.is_problem(StatusCode::UNAUTHORIZED), "{answer:?}");
    let counts = Counts::of(storefront.admin).await.unwrap();
    assert_eq!(counts.events("token_refused", "wrong_audience"), 1);
    // The key of another provider of the same make is not known.
    let other = Provider::start().await.unwrap();
    let token = other.token(&audience("storefront")).await;
    let answer = edge.get(OVERVIEW, &token).await.unwrap();
    assert!(answer.is_problem(StatusCode::UNAUTHORIZED), "{answer:?}");
}
