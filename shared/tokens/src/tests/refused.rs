//! Tokens that are wrong in one way each.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::get_current_timestamp;
use rcgen::{ExtendedKeyUsagePurpose, PKCS_ED25519};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use strata_config::{Environment, trust_domain};
use strata_core::{Layer, SpiffeId};
use strata_estate::pki::{Authority, LEAF_LIFETIME, LeafSpec, Validity};
use strata_tls::TOKEN_USAGE;

use super::{ENVIRONMENT, World, verify, why};
use crate::Verifier;

#[test]
fn a_token_with_any_one_flaw_is_refused() {
    let world = World::new();
    let verifier = world.verifier();
    let honest = world.honest();
    assert_eq!(why(verify(&verifier, &honest)), None);
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
            claim("aud", json!("prod.org.example")),
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
            "of a leaf that is not named",
            header(|it| it.x5t_s256 = None),
            "token_of_another_leaf",
        ),
        (
            "of another leaf",
            header(|it| it.x5t_s256 = Some("AAAA".to_owned())),
            "token_of_another_leaf",
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
            format!("{text}{}", "A".repeat(12288)),
            "token_too_long",
        ),
    ] {
        // Twice: what was refused is not remembered.
        for _ in 0..2 {
            let verdict = verifier.verify(&token, &honest.beside().unwrap());
            assert_eq!(why(verdict), Some(reason), "{what}");
        }
    }
}

#[test]
fn a_token_with_any_other_leaf_is_refused_also_where_it_is_remembered() {
    let world = World::new();
    let verifier = world.verifier();
    let honest = world.honest();
    let text = honest.sign().unwrap();
    let another = world.honest();
    assert_ne!(honest.leaf, another.leaf);
    for remembered in [false, true] {
        for (leaf, reason) in [
            (another.beside().unwrap(), "token_of_another_leaf"),
            ("AAAA".parse().unwrap(), "token_of_another_leaf"),
            ("".parse().unwrap(), "token_of_another_leaf"),
            ("?".parse().unwrap(), "token_malformed"),
            ("A".repeat(12289).parse().unwrap(), "token_too_long"),
        ] {
            let verdict = verifier.verify(&text, &leaf);
            assert_eq!(why(verdict), Some(reason), "{remembered}: {leaf:?}");
        }
        assert_eq!(why(verify(&verifier, &honest)), None);
    }
    // What is named and no certificate.
    let mut token = honest;
    token.leaf = vec![0; 3];
    token.header.x5t_s256 = Some(URL_SAFE_NO_PAD.encode(Sha256::digest([0; 3])));
    assert_eq!(why(verify(&verifier, &token)), Some("token_leaf_malformed"));
}

#[test]
fn only_a_token_leaf_of_an_experience_api_of_the_environment_makes_tokens() {
    let world = World::new();
    let verifier = world.verifier();
    let tokens = world.pki.token_authority().unwrap();
    let layer = |layer| world.pki.authority(layer).unwrap();
    let honest = world.signed_by(&tokens, |_| ());
    assert_eq!(why(verify(&verifier, &honest)), None);

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
                *leaf = svid(world.shop.id());
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
                leaf.usages.push(ExtendedKeyUsagePurpose::ClientAuth);
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
                leaf.algorithm = svid(world.shop.id()).algorithm;
            }),
            "token_wrong_key_usage",
        ),
        (
            "of production",
            world.signed_by(&of_prod, |leaf| {
                leaf.uris = named(&prod.workload("shop").unwrap());
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
        assert_eq!(why(verify(&verifier, &token)), Some(reason), "{what}");
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
        why(verify(&shop, &honest)),
        Some("token_foreign_trust_domain")
    );
}
