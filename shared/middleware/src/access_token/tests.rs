//! What is remembered of a token, and for how long.

use std::{fs, path::Path, sync::Arc, time::Duration};

use jsonwebtoken::{
    Algorithm, EncodingKey, Header, encode, get_current_timestamp,
    jwk::{Jwk, JwkSet},
};
use serde_json::{Value, json};
use strata_core::{Category, Clearance, Label, Method, Sensitivity};
use strata_policy::{Consumers, Roles};

use super::{Keys, Refresh, Verifier, keys::KeySet};

const ISSUER: &str = "https://issuer.example";
const AUDIENCE: &str = "https://desk.example";
const KEY: &str = "the-key";

const ROLES: &str = "[roles.customer]\n\
    clearance = { sensitivity = 'restricted', categories = ['personal', 'payment'] }\n";

static METHODS: [Method; 1] = [Method {
    name: "Get",
    path: "/e.E/Get",
    purpose: "",
    scope: "read",
    idempotent: true,
    ceiling: Label::new(Sensitivity::Public, &[]),
    durable: false,
}];

fn consumers() -> Consumers {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write(
        "plans.toml",
        "[plans.basic]\nquota = { requests = 9, per = '1h' }\nspike = { requests = 9, per = '1s' }\n\
         methods = ['Get']\nceiling = { sensitivity = 'internal', categories = ['personal'] }\n",
    );
    write(
        "consumers.toml",
        "[[consumers]]\nclient_id = 'app'\nowner = 'team'\nplan = 'basic'\nscopes = ['read']\n\
         purpose = 'to read'\nreview = '2027-06-30'\n",
    );
    Consumers::load(folder.path(), &METHODS).unwrap()
}

struct Issuer {
    key: EncodingKey,
    document: JwkSet,
}

impl Issuer {
    /// With a key of its own, which every issuer calls the same.
    fn new() -> Self {
        let pair = rcgen::KeyPair::generate().unwrap();
        let key = EncodingKey::from_ec_der(&pair.serialize_der());
        let mut jwk = Jwk::from_encoding_key(&key, Algorithm::ES256).unwrap();
        jwk.common.key_id = Some(KEY.to_owned());
        let document = JwkSet { keys: vec![jwk] };
        Self { key, document }
    }

    fn token(&self, lifetime: u64) -> String {
        self.token_of("app", lifetime)
    }

    fn token_of(&self, client: &str, lifetime: u64) -> String {
        self.sign(&claims(client, lifetime))
    }

    fn sign(&self, claims: &Value) -> String {
        let mut header = Header::new(Algorithm::ES256);
        header.typ = Some("at+jwt".to_owned());
        header.kid = Some(KEY.to_owned());
        encode(&header, claims, &self.key).unwrap()
    }

    fn publish(&self, refresh: &Refresh) {
        refresh.replace(KeySet::of(self.document.clone()).unwrap());
    }
}

fn claims(client: &str, lifetime: u64) -> Value {
    json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "cus_000001",
        "exp": get_current_timestamp() + lifetime,
        "client_id": client, "scope": "read write", "roles": ["customer"],
    })
}

fn verifier(issuer: &Issuer) -> (Verifier, Keys, Refresh) {
    let (keys, refresh) = Keys::of(ISSUER.to_owned(), None);
    issuer.publish(&refresh);
    let roles = Arc::new(Roles::parse(ROLES, Path::new("roles.toml")).unwrap());
    let consumers = Arc::new(consumers());
    let verifier = Verifier::new(
        keys.clone(),
        ISSUER,
        AUDIENCE,
        Duration::ZERO,
        roles,
        consumers,
    );
    (verifier, keys, refresh)
}

#[test]
fn what_is_remembered_expires_with_its_token() {
    let issuer = Issuer::new();
    let (verifier, keys, _refresh) = verifier(&issuer);
    let token = issuer.token(1);
    let first = verifier.verify(&token, None).unwrap();
    let again = verifier.verify(&token, None).unwrap();
    assert!(
        Arc::ptr_eq(&first.principal, &again.principal),
        "it was not remembered"
    );
    let refused = loop {
        match verifier.verify(&token, None) {
            Ok(_) => std::thread::sleep(Duration::from_millis(50)),
            Err(refused) => break refused,
        }
    };
    assert_eq!(refused.reason, "expired");
    // Refused by what was remembered, not because it was forgotten.
    let keys = keys.get().unwrap();
    assert_eq!(keys.verified.len(), 1);
}

#[test]
fn a_region_or_tenant_without_a_name_is_none() {
    let issuer = Issuer::new();
    let (verifier, _keys, _refresh) = verifier(&issuer);
    let bound = |region: Value, tenant: Value| {
        let mut claims = claims("app", 60);
        claims["region"] = region;
        claims["tenant"] = tenant;
        let user = verifier.verify(&issuer.sign(&claims), None).unwrap();
        (user.principal.region.clone(), user.principal.tenant.clone())
    };
    let named = |name: &str| Some(name.to_owned());
    let both = bound(json!("uk"), json!("teahouse"));
    assert_eq!(both, (named("uk"), named("teahouse")));
    assert_eq!(bound(json!("uk"), json!("")), (named("uk"), None));
    assert_eq!(
        bound(json!(""), json!("teahouse")),
        (None, named("teahouse"))
    );
    assert_eq!(bound(Value::Null, Value::Null), (None, None));
}

#[test]
fn with_other_keys_every_token_is_verified_anew() {
    let (issuer, other) = (Issuer::new(), Issuer::new());
    let (verifier, keys, refresh) = verifier(&issuer);
    let token = issuer.token(60);
    assert!(verifier.verify(&token, None).is_ok());

    let before = keys.get().unwrap();
    issuer.publish(&refresh);
    assert!(
        Arc::ptr_eq(&before, &keys.get().unwrap()),
        "the same keys again change nothing"
    );

    other.publish(&refresh);
    let refused = verifier
        .verify(&token, None)
        .err()
        .map(|refused| refused.reason);
    assert_eq!(refused, Some("bad_signature"));
}

#[test]
fn what_was_refused_is_not_remembered() {
    let (issuer, other) = (Issuer::new(), Issuer::new());
    let (verifier, keys, _refresh) = verifier(&issuer);
    for _ in 0..2 {
        assert!(verifier.verify(&other.token(60), None).is_err());
    }
    let keys = keys.get().unwrap();
    assert_eq!(keys.verified.len(), 0);
}

#[test]
fn a_token_of_an_unknown_consumer_is_refused() {
    let issuer = Issuer::new();
    let (verifier, _keys, _refresh) = verifier(&issuer);
    assert!(verifier.verify(&issuer.token_of("app", 60), None).is_ok());
    for stranger in ["App", "app ", "other", ""] {
        let refused = verifier.verify(&issuer.token_of(stranger, 60), None).err();
        assert_eq!(
            refused.map(|refused| refused.reason),
            Some("unknown_consumer"),
            "{stranger}"
        );
    }
}

#[test]
fn a_user_may_no_more_than_their_consumer() {
    let issuer = Issuer::new();
    let (verifier, _keys, _refresh) = verifier(&issuer);
    let user = verifier.verify(&issuer.token(60), None).unwrap();
    assert_eq!(user.principal.scopes, ["read"]);
    let ceiling = Label::new(Sensitivity::Internal, &[Category::Personal]);
    assert_eq!(user.principal.clearance, Clearance(ceiling));
    assert_eq!(user.consumer.client_id, "app");
}
