//! Tokens as an Experience API makes them, and as others would like to.

use std::{fs, path::Path, sync::Arc, time::Duration};

use jsonwebtoken::get_current_timestamp;
use rcgen::{ExtendedKeyUsagePurpose, PKCS_ED25519};
use serde_json::json;
use strata_config::{Environment, Manifest, trust_domain};
use strata_core::{Category, Clearance, Label, Layer, Method, Principal, Sensitivity, SpiffeId};
use strata_estate::pki::{Authority, LEAF_LIFETIME, LeafSpec, Pki, Validity};
use strata_testkit::TransactionToken;
use strata_tls::{Material, TOKEN_USAGE, Trust};
use tempfile::TempDir;

use crate::{Minter, Refused, Reuse, Verified, Verifier};

const ENVIRONMENT: Environment = Environment::Test;
const TIMEOUT: Duration = Duration::from_secs(10);

const READ: Method = Method {
    name: "Read",
    path: "/v1/read",
    scope: "a:read b:read",
    purpose: "service",
    idempotent: true,
    ceiling: Label::new(Sensitivity::Public, &[]),
};
const OTHER: Method = Method {
    name: "Other",
    path: "/v1/other",
    scope: "a:read",
    ..READ
};

/// An environment with one Experience API that makes tokens, and one System API that believes them.
struct World {
    _folder: TempDir,
    pki: Pki,
    shop: Material,
    stock: Material,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let pki = Pki::init(&folder.path().join("pki"), ENVIRONMENT).unwrap();
        Self {
            shop: material(&pki, Layer::Experience, "shop"),
            stock: material(&pki, Layer::System, "stock"),
            pki,
            _folder: folder,
        }
    }

    fn minter(&self) -> Minter {
        Minter::new(self.shop.id().clone(), self.shop.token_signer(), TIMEOUT)
    }

    fn verifier(&self) -> Verifier {
        Verifier::new(self.stock.token_issuers())
    }

    fn honest(&self) -> TransactionToken {
        TransactionToken::honest(&self.pki, self.shop.id(), &user()).unwrap()
    }

    fn signed_by(&self, authority: &Authority, change: impl FnOnce(&mut LeafSpec)) -> String {
        let mut spec = LeafSpec::token(self.shop.id());
        change(&mut spec);
        let token = TransactionToken::signed_by(authority, &spec, &user());
        token.unwrap().sign().unwrap()
    }

    fn id(&self, layer: Layer, service: &str) -> SpiffeId {
        let domain = trust_domain(layer, ENVIRONMENT).unwrap();
        domain.workload(service).unwrap()
    }
}

fn manifest(layer: Layer, service: &str) -> Manifest {
    let text = format!(
        "name = \"{service}\"\nlayer = \"{layer}\"\nowner = \"team\"\ndescription = \"A sample.\"\n"
    );
    Manifest::parse(&text, Path::new("service.toml")).unwrap()
}

fn material(pki: &Pki, layer: Layer, service: &str) -> Material {
    let folder = pki.issue(&manifest(layer, service)).unwrap();
    if layer == Layer::Experience {
        // Outside dev the edge's certificate is another CA's affair: any will do.
        for kind in ["pem", "key"] {
            let from = folder.join(format!("svid.{kind}"));
            fs::copy(from, folder.join(format!("edge.{kind}"))).unwrap();
        }
    }
    let own = trust_domain(layer, ENVIRONMENT).unwrap();
    let trust = Trust {
        callers: layer.callers().map(|layer| own.beside(layer)).collect(),
        callees: layer.callees().map(|layer| own.beside(layer)).collect(),
        own: own.workload(service).unwrap(),
        accept_stale_crls: false,
    };
    Material::load(&folder, trust).unwrap()
}

fn user() -> Principal {
    let label = Label::new(Sensitivity::Internal, &[Category::Personal]);
    Principal {
        subject: "cus_000001".to_owned(),
        roles: vec!["customer".to_owned()],
        scopes: ["a:read", "b:read", "c:write"].map(str::to_owned).into(),
        region: Some("uk".to_owned()),
        clearance: Clearance(label),
    }
}

fn why(verdict: Result<Verified, Refused>) -> Option<&'static str> {
    verdict.err().map(|Refused(reason)| reason)
}

#[test]
fn what_the_edge_makes_is_believed_for_what_the_method_needs() {
    let world = World::new();
    let token = world
        .minter()
        .mint([1; 32], &user(), &READ, Reuse::Shared)
        .unwrap();
    assert!(token.is_sensitive());
    let verified = world.verifier().verify(token.to_str().unwrap()).unwrap();
    assert_eq!(verified.requester, *world.shop.id());
    let expected = Principal {
        scopes: vec!["a:read".to_owned(), "b:read".to_owned()],
        ..user()
    };
    assert!(*verified.principal == expected);
    // Nobody who only believes tokens makes any.
    let stock = Minter::new(
        world.stock.id().clone(),
        world.stock.token_signer(),
        TIMEOUT,
    );
    assert!(stock.mint([1; 32], &user(), &READ, Reuse::Never).is_err());
}

#[test]
fn a_token_with_any_one_flaw_is_refused() {
    let world = World::new();
    let verifier = world.verifier();
    let honest = world.honest();
    assert_eq!(why(verifier.verify(&honest.sign().unwrap())), None);
    let now = get_current_timestamp();
    let claim = |name: &str, value| {
        let mut token = honest.clone();
        token.claims[name] = value;
        token.sign().unwrap()
    };
    let without = |name: &str| {
        let mut token = honest.clone();
        token.claims.as_object_mut().unwrap().remove(name).unwrap();
        token.sign().unwrap()
    };
    let header = |change: fn(&mut jsonwebtoken::Header)| {
        let mut token = honest.clone();
        change(&mut token.header);
        token.sign().unwrap()
    };
    let text = honest.sign().unwrap();
    let (head, signature) = text.rsplit_once('.').unwrap();
    let (_, body) = head.split_once('.').unwrap();
    // Of another token of the same leaf.
    let (_, other) = claim("sub", json!("cus_000002"))
        .rsplit_once('.')
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .unwrap();
    assert_ne!(signature, other);
    let unsigned = "eyJ0eXAiOiJ0eG50b2tlbitqd3QiLCJhbGciOiJub25lIn0";
    for (what, token, reason) in [
        ("expired", claim("exp", json!(now - 6)), "token_expired"),
        (
            "of tomorrow",
            claim("iat", json!(now + 60)),
            "token_not_yet_valid",
        ),
        (
            "a text as time",
            claim("exp", json!("9999999999")),
            "token_malformed",
        ),
        (
            "for production",
            claim("aud", json!("prod.harbour.example")),
            "token_wrong_audience",
        ),
        (
            "of nobody",
            claim("sub", json!("")),
            "token_without_subject",
        ),
        (
            "of another",
            claim("req_wl", json!("spiffe://x")),
            "token_wrong_requester",
        ),
        ("without end", without("exp"), "token_malformed"),
        ("without environment", without("aud"), "token_malformed"),
        ("without context", without("tctx"), "token_malformed"),
        (
            "an access token",
            header(|it| it.typ = Some("at+jwt".to_owned())),
            "token_wrong_type",
        ),
        ("of no type", header(|it| it.typ = None), "token_wrong_type"),
        (
            "critical",
            header(|it| it.crit = Some(vec!["b64".to_owned()])),
            "token_malformed",
        ),
        (
            "without a leaf",
            header(|it| it.x5c = None),
            "token_without_leaf",
        ),
        (
            "with a chain",
            header(|it| {
                let leaf = it.x5c.clone().unwrap();
                it.x5c.as_mut().unwrap().extend(leaf);
            }),
            "token_without_leaf",
        ),
        (
            "with what is no leaf",
            header(|it| it.x5c = Some(vec!["AAAA".to_owned()])),
            "token_leaf_malformed",
        ),
        (
            "tampered with",
            format!("{head}.{other}"),
            "token_bad_signature",
        ),
        ("unsigned", format!("{unsigned}.{body}."), "token_malformed"),
        (
            "cut short",
            text[..text.len() / 2].to_owned(),
            "token_malformed",
        ),
        (
            "too long",
            format!("{text}{}", "A".repeat(8192)),
            "token_too_long",
        ),
    ] {
        // Twice: what was refused is not remembered.
        for _ in 0..2 {
            assert_eq!(why(verifier.verify(&token)), Some(reason), "{what}");
        }
    }
}

#[test]
fn only_a_token_leaf_of_an_experience_api_of_the_environment_makes_tokens() {
    let world = World::new();
    let verifier = world.verifier();
    let tokens = world.pki.token_authority().unwrap();
    let layer = |layer| world.pki.authority(layer).unwrap();
    let honest = world.signed_by(&tokens, |_| ());
    assert_eq!(why(verifier.verify(&honest)), None);

    let overview = world.id(Layer::Process, "overview");
    let prod = trust_domain(Layer::Experience, Environment::Prod).unwrap();
    let of_prod = Authority::for_tokens(&prod, Validity::from_now(LEAF_LIFETIME)).unwrap();
    let impostor = Authority::for_tokens(
        &trust_domain(Layer::Experience, ENVIRONMENT).unwrap(),
        Validity::from_now(LEAF_LIFETIME),
    );
    let named = |id: &SpiffeId| vec![id.as_str().to_owned()];
    let svid = |id: &SpiffeId| LeafSpec::svid(id, ENVIRONMENT);
    let cases = [
        (
            "a token leaf of a Process API",
            world.signed_by(&tokens, |leaf| leaf.uris = named(&overview)),
            "token_foreign_trust_domain",
        ),
        (
            "the SVID of a Process API",
            world.signed_by(&layer(Layer::Process), |leaf| *leaf = svid(&overview)),
            "token_foreign_trust_domain",
        ),
        (
            "a token leaf of the Experience CA",
            world.signed_by(&layer(Layer::Experience), |_| ()),
            "token_unknown_issuer",
        ),
        (
            "the SVID of an Experience API",
            world.signed_by(&layer(Layer::Experience), |leaf| {
                *leaf = svid(world.shop.id())
            }),
            "token_wrong_key_usage",
        ),
        (
            "a TLS leaf of the token CA",
            world.signed_by(&tokens, |leaf| leaf.usages = svid(world.shop.id()).usages),
            "token_wrong_key_usage",
        ),
        (
            "a leaf for TLS and tokens",
            world.signed_by(&tokens, |leaf| {
                leaf.usages.push(ExtendedKeyUsagePurpose::ClientAuth)
            }),
            "token_wrong_key_usage",
        ),
        (
            "a leaf for no use",
            world.signed_by(&tokens, |leaf| leaf.usages.clear()),
            "token_wrong_key_usage",
        ),
        (
            "a leaf with a P-256 key",
            world.signed_by(&tokens, |leaf| {
                leaf.algorithm = svid(world.shop.id()).algorithm
            }),
            "token_wrong_key_usage",
        ),
        (
            "of production",
            world.signed_by(&of_prod, |leaf| {
                leaf.uris = named(&prod.workload("shop").unwrap())
            }),
            "token_foreign_trust_domain",
        ),
        (
            "of production's CA",
            world.signed_by(&of_prod, |_| ()),
            "token_unknown_issuer",
        ),
        (
            "of a CA that calls itself as the real one does",
            world.signed_by(&impostor.unwrap(), |_| ()),
            "token_unknown_issuer",
        ),
        (
            "of two names",
            world.signed_by(&tokens, |leaf| leaf.uris.push(overview.as_str().to_owned())),
            "token_leaf_malformed",
        ),
        (
            "of a leaf that is over",
            world.signed_by(&tokens, |leaf| {
                leaf.validity.not_before -= LEAF_LIFETIME * 2;
                leaf.validity.not_after -= LEAF_LIFETIME * 2;
            }),
            "token_leaf_expired",
        ),
    ];
    for (what, token, reason) in cases {
        assert_eq!(why(verifier.verify(&token)), Some(reason), "{what}");
    }
    // The usage in DER is the one that leaves are issued with.
    let usages = LeafSpec::token(world.shop.id()).usages;
    assert_eq!(
        usages,
        [ExtendedKeyUsagePurpose::Other(TOKEN_USAGE.to_vec())]
    );
    assert!(LeafSpec::token(world.shop.id()).algorithm == &PKCS_ED25519);
    // An Experience API believes nobody's.
    let shop = Verifier::new(world.shop.token_issuers());
    assert_eq!(
        why(shop.verify(&honest)),
        Some("token_foreign_trust_domain")
    );
}

#[test]
fn requests_that_only_read_share_a_token() {
    let world = World::new();
    let minter = world.minter();
    let mint = |access, method, reuse| minter.mint([access; 32], &user(), method, reuse).unwrap();
    let first = mint(1, &READ, Reuse::Shared);
    assert_eq!(mint(1, &READ, Reuse::Shared), first);
    assert_ne!(mint(2, &READ, Reuse::Shared), first);
    assert_ne!(mint(1, &OTHER, Reuse::Shared), first);
    let write = mint(1, &READ, Reuse::Never);
    assert!(write != first && mint(1, &READ, Reuse::Never) != write);
    assert_eq!(mint(1, &READ, Reuse::Shared), first);

    // With another key nothing is shared any more.
    world
        .pki
        .reissue(&manifest(Layer::Experience, "shop"))
        .unwrap();
    world.shop.reload().unwrap();
    assert_ne!(mint(1, &READ, Reuse::Shared), first);
}

#[test]
fn what_is_remembered_ends_with_its_token() {
    let world = World::new();
    let verifier = world.verifier();
    let mut token = world.honest();
    // Within the leeway, but not for long.
    token.claims["exp"] = json!(get_current_timestamp() - 4);
    let token = token.sign().unwrap();
    let first = verifier.verify(&token).unwrap();
    let again = verifier.verify(&token).unwrap();
    assert!(
        Arc::ptr_eq(&first.principal, &again.principal),
        "it was not remembered"
    );
    let refused = loop {
        match verifier.verify(&token) {
            Ok(_) => std::thread::sleep(Duration::from_millis(50)),
            Err(Refused(reason)) => break reason,
        }
    };
    assert_eq!(refused, "token_expired");
}

#[test]
fn what_is_remembered_ends_with_the_material() {
    let world = World::new();
    let verifier = world.verifier();
    let token = world.honest().sign().unwrap();
    let first = verifier.verify(&token).unwrap();
    let publish = || {
        world.pki.rotate_token_authority().unwrap();
        world
            .pki
            .publish(&manifest(Layer::System, "stock"))
            .unwrap();
        world.stock.reload().unwrap();
    };
    // The CA before is trusted until the next time.
    publish();
    let again = verifier.verify(&token).unwrap();
    assert!(
        !Arc::ptr_eq(&first.principal, &again.principal),
        "it was not verified anew"
    );
    publish();
    assert_eq!(why(verifier.verify(&token)), Some("token_unknown_issuer"));
}
