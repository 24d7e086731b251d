//! An Experience API as it is in production: its own trust domain, an issuer over HTTPS, and no word
//! of what it offers.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use http::{StatusCode, header::AUTHORIZATION};
use serde_json::{Value, json};
use strata_config::{Environment, dns_name, trust_domain};
use strata_core::Layer;
use strata_estate::Pki;
use strata_net::Transport;
use strata_tests::{Answer, Edge, Rig};
use strata_tls::{Exempted, Material, Trust};

use crate::issuer::Issuer;

/// Paths that are served elsewhere, and one that is nowhere.
const TOLD: [&str; 4] = ["/openapi.json", "/docs", "/v1/openapi.json", "/v2/docs"];
const UNKNOWN: &str = "/nothing";

pub(crate) async fn nobody_is_told_what_the_api_offers(rig: &mut Rig) {
    // The same process, over the same kind of material, is told apart by its environment alone.
    let (edge, bearer, _kept) = started(rig, Environment::Staging).await;
    for path in TOLD {
        assert_eq!(edge.text(path).await.unwrap().0, StatusCode::OK, "{path}");
    }
    let answer = ask(&edge, UNKNOWN, Some(&bearer)).await;
    assert!(answer.is_problem(StatusCode::NOT_FOUND), "{answer:?}");

    let (edge, bearer, _kept) = started(rig, Environment::Prod).await;
    for (credential, status) in [
        (Some(bearer.as_str()), StatusCode::NOT_FOUND),
        (None, StatusCode::UNAUTHORIZED),
    ] {
        let unknown = ask(&edge, UNKNOWN, credential).await;
        assert!(unknown.is_problem(status), "{unknown:?}");
        for path in TOLD {
            let answer = ask(&edge, path, credential).await;
            assert_eq!(
                told(answer),
                told(ask(&edge, UNKNOWN, credential).await),
                "{path}"
            );
        }
    }
}

/// All of an answer that does not tell one request from another: not when it came, and not how many
/// more there may be.
fn told(answer: Answer) -> (StatusCode, Vec<(String, String)>, Value) {
    let Answer {
        status,
        headers,
        mut body,
    } = answer;
    body.as_object_mut().unwrap().remove("trace_id");
    let headers = headers.iter();
    let headers = headers.filter(|(name, _)| *name != "date" && *name != "ratelimit");
    let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().into()));
    (status, headers.collect(), body)
}

async fn ask(edge: &Edge, path: &str, credential: Option<&str>) -> Answer {
    let asked = edge.send(path, |request| match credential {
        Some(credential) => request.header(AUTHORIZATION, credential),
        None => request,
    });
    asked.await.unwrap()
}

/// A storefront in `environment`, a token's header for it, and what must outlive them.
async fn started(rig: &Rig, environment: Environment) -> (Edge, String, impl Sized) {
    let service = rig
        .services
        .iter()
        .find(|service| service.manifest.name == "storefront")
        .unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let pki = Pki::init(&scratch.path().join("pki"), environment).unwrap();
    let material = pki.issue(&service.manifest, &[]).unwrap();
    let ca = certify(&material);
    let domain = |layer| trust_domain(layer, environment).unwrap();
    let trust = Trust {
        own: domain(Layer::Experience).workload("storefront").unwrap(),
        callers: Vec::new(),
        callees: vec![domain(Layer::Process)],
        exempted: Exempted::default(),
        accept_stale_crls: false,
    };
    let tls = Material::load(&material, trust)
        .unwrap()
        .edge_config()
        .unwrap();
    let audience = format!(
        "https://{}",
        dns_name(Layer::Experience, environment, "storefront")
    );
    let issuer = Issuer::over(Transport::Https(tls), &audience).await;
    let instance = rig
        .another("storefront")
        .unwrap()
        .set("STRATA_ENV", environment.as_str())
        .set("STRATA_TLS__MATERIAL", &material)
        .set("STRATA_TOKENS__ISSUER", &issuer.url)
        .set("STRATA_TOKENS__AUDIENCE", &audience)
        .set("STRATA_TOKENS__CA", &ca)
        .start()
        .await
        .unwrap();
    let token = issuer.sign(&Issuer::header(), &issuer.claims(&json!({})));
    let edge = Edge::new(format!("https://localhost:{}", instance.address.port()), ca);
    (edge, format!("Bearer {token}"), (scratch, issuer, instance))
}

/// Puts an edge certificate for `localhost` into a service's material; the root that signed it.
fn certify(material: &Path) -> PathBuf {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut root = rcgen::CertificateParams::default();
    root.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let root_pem = root.self_signed(&key).unwrap().pem();
    let root = rcgen::Issuer::new(root, key);
    let key = rcgen::KeyPair::generate().unwrap();
    let mut leaf = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
    leaf.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
    let leaf = leaf.signed_by(&key, &root).unwrap();
    fs::write(material.join("edge.pem"), leaf.pem()).unwrap();
    let file = material.join("edge.key");
    fs::write(&file, key.serialize_pem()).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let ca = material.with_extension("edge-ca.pem");
    fs::write(&ca, root_pem).unwrap();
    ca
}
