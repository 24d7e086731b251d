//! Tokens as an Experience API makes them and others believe them.

mod refused;

use std::{fs, path::Path, sync::Arc, time::Duration};

use jsonwebtoken::get_current_timestamp;
use serde_json::json;
use strata_config::{Environment, Manifest, trust_domain};
use strata_core::{
    Authentication, Category, Clearance, Label, Layer, Method, Principal, Sensitivity, SpiffeId,
};
use strata_estate::pki::{Authority, LeafSpec, Pki};
use strata_testkit::TransactionToken;
use strata_tls::{Exempted, Material, Trust};
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
    durable: false,
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

    fn signed_by(
        &self,
        authority: &Authority,
        change: impl FnOnce(&mut LeafSpec),
    ) -> TransactionToken {
        let mut spec = LeafSpec::token(self.shop.id());
        change(&mut spec);
        TransactionToken::signed_by(authority, &spec, &user()).unwrap()
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
    let folder = pki.issue(&manifest(layer, service), &[]).unwrap();
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
        exempted: Exempted::default(),
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
        tenant: Some("teahouse".to_owned()),
        clearance: Clearance(label),
        authentication: Authentication {
            level: Some("urn:example:two-factors".to_owned()),
            methods: vec!["pwd".to_owned(), "otp".to_owned()],
            time: Some(1_700_000_000),
            risk: Some(20),
        },
    }
}

/// What comes of a token with its own leaf beside it.
fn verify(verifier: &Verifier, token: &TransactionToken) -> Result<Verified, Refused> {
    verifier.verify(&token.sign().unwrap(), &token.beside().unwrap())
}

fn why(verdict: Result<Verified, Refused>) -> Option<&'static str> {
    verdict.err().map(|Refused(reason)| reason)
}

#[test]
fn what_the_edge_makes_is_believed_for_what_the_method_needs() {
    let world = World::new();
    let minted = world
        .minter()
        .mint([1; 32], &user(), &READ, Reuse::Shared)
        .unwrap();
    // The leaf is no secret, and the same for every token.
    assert!(minted.token.is_sensitive() && !minted.leaf.is_sensitive());
    let token = minted.token.to_str().unwrap();
    let verified = world.verifier().verify(token, &minted.leaf).unwrap();
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
fn a_region_or_tenant_without_a_name_is_none() {
    let world = World::new();
    let mut token = world.honest();
    let believed = |token: &TransactionToken| {
        let verified = verify(&world.verifier(), token).unwrap();
        (
            verified.principal.region.clone(),
            verified.principal.tenant.clone(),
        )
    };
    let named = |name: &str| Some(name.to_owned());
    assert_eq!(believed(&token), (named("uk"), named("teahouse")));
    token.claims["tctx"]["region"] = json!("");
    token.claims["tctx"]["tenant"] = json!("");
    assert_eq!(believed(&token), (None, None));
    // One that was made before there were tenants.
    let context = token.claims["tctx"].as_object_mut().unwrap();
    context.remove("tenant");
    assert_eq!(believed(&token), (None, None));
}

/// So a callee that does not know of a claim refuses it: callees are deployed before callers.
#[test]
fn what_the_context_says_is_known_or_the_token_is_refused() {
    let world = World::new();
    let mut token = world.honest();
    assert_eq!(why(verify(&world.verifier(), &token)), None);
    token.claims["tctx"]["brand"] = json!("teahouse");
    let refused = why(verify(&world.verifier(), &token));
    assert_eq!(refused, Some("token_malformed"));
}

#[test]
fn requests_that_only_read_share_a_token() {
    let world = World::new();
    let minter = world.minter();
    let mint = |access, method, reuse| {
        let minted = minter.mint([access; 32], &user(), method, reuse);
        minted.unwrap().token
    };
    let first = mint(1, &READ, Reuse::Shared);
    assert_eq!(mint(1, &READ, Reuse::Shared), first);
    assert_ne!(mint(2, &READ, Reuse::Shared), first);
    assert_ne!(mint(1, &OTHER, Reuse::Shared), first);
    // A method of that name in another version may need other scopes.
    let newer = Method {
        path: "/v2/read",
        ..READ
    };
    assert_ne!(mint(1, &newer, Reuse::Shared), first);
    let write = mint(1, &READ, Reuse::Never);
    assert!(write != first && mint(1, &READ, Reuse::Never) != write);
    assert_eq!(mint(1, &READ, Reuse::Shared), first);

    // With another key nothing is shared any more.
    world
        .pki
        .reissue(&manifest(Layer::Experience, "shop"), &[])
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
    let first = verify(&verifier, &token).unwrap();
    let again = verify(&verifier, &token).unwrap();
    assert!(
        Arc::ptr_eq(&first.principal, &again.principal),
        "it was not remembered"
    );
    let refused = loop {
        match verify(&verifier, &token) {
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
    let token = world.honest();
    let first = verify(&verifier, &token).unwrap();
    let publish = || {
        world.pki.rotate_token_authority().unwrap();
        world
            .pki
            .publish(&manifest(Layer::System, "stock"), &[])
            .unwrap();
        world.stock.reload().unwrap();
    };
    // The CA before is trusted until the next time.
    publish();
    let again = verify(&verifier, &token).unwrap();
    assert!(
        !Arc::ptr_eq(&first.principal, &again.principal),
        "it was not verified anew"
    );
    publish();
    assert_eq!(why(verify(&verifier, &token)), Some("token_unknown_issuer"));
}
