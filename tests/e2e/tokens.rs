//! Access tokens, right and wrong in one way each, at a second process of the Experience API that
//! trusts an issuer of the test's.

use http::{HeaderValue, StatusCode, header::AUTHORIZATION};
use serde_json::json;
use strata_config::{Environment, dns_name};
use strata_core::Layer;
use strata_tests::{Answer, Counts, Edge, Instance, Rig};

use crate::{OVERVIEW, issuer::Issuer};

/// Tokens with one flaw each, and why they are refused.
fn flawed(issuer: &Issuer) -> Vec<(&'static str, String, &'static str)> {
    let now = time::OffsetDateTime::now_utc().unix_timestamp();
    let claims = |changes| issuer.sign(&Issuer::header(), &issuer.claims(&changes));
    let header = |change: &dyn Fn(&mut jsonwebtoken::Header)| {
        let mut header = Issuer::header();
        change(&mut header);
        issuer.sign(&header, &issuer.claims(&json!({})))
    };
    let production = dns_name(Layer::Experience, Environment::Prod, "storefront");
    let honest = claims(json!({}));
    vec![
        ("expired", claims(json!({ "exp": now - 60 })), "expired"),
        (
            "expired beyond any leeway",
            claims(json!({ "exp": now - 6 })),
            "expired",
        ),
        (
            "never expires",
            claims(json!({ "exp": null })),
            "missing_claim",
        ),
        (
            "expires in words",
            claims(json!({ "exp": (now + 300).to_string() })),
            "malformed",
        ),
        (
            "valid from, in words",
            claims(json!({ "nbf": now.to_string() })),
            "malformed",
        ),
        (
            "of a risk beyond the scale",
            claims(json!({ "risk": 101 })),
            "malformed",
        ),
        (
            "not yet valid",
            claims(json!({ "nbf": now + 60 })),
            "not_yet_valid",
        ),
        (
            "for another service",
            claims(json!({ "aud": "https://other" })),
            "wrong_audience",
        ),
        (
            "for production",
            claims(json!({ "aud": format!("https://{production}") })),
            "wrong_audience",
        ),
        (
            "for nobody",
            claims(json!({ "aud": null })),
            "missing_claim",
        ),
        (
            "of another issuer",
            claims(json!({ "iss": "https://other" })),
            "wrong_issuer",
        ),
        (
            "of no issuer",
            claims(json!({ "iss": null })),
            "missing_claim",
        ),
        ("of nobody", claims(json!({ "sub": null })), "missing_claim"),
        (
            "of an empty subject",
            claims(json!({ "sub": "" })),
            "no_subject",
        ),
        (
            "of an unknown consumer",
            claims(json!({ "client_id": "other" })),
            "unknown_consumer",
        ),
        (
            "of no consumer",
            claims(json!({ "client_id": null })),
            "unknown_consumer",
        ),
        (
            "an ID token",
            header(&|it| it.typ = Some("JWT".to_owned())),
            "wrong_type",
        ),
        ("of no type", header(&|it| it.typ = None), "wrong_type"),
        (
            "of an unknown key",
            header(&|it| it.kid = Some("other".to_owned())),
            "unknown_key",
        ),
        ("of no key", header(&|it| it.kid = None), "no_key_id"),
        (
            "with what is critical and unknown",
            header(&|it| it.crit = Some(vec!["exp".to_owned()])),
            "malformed",
        ),
        (
            "signed by another",
            issuer.sign_with_another_key(),
            "bad_signature",
        ),
        ("tampered with", issuer.tamper(), "bad_signature"),
        ("unsigned", issuer.said_to_be("none"), "malformed"),
        (
            "unsigned, in capitals",
            issuer.said_to_be("NONE"),
            "malformed",
        ),
        (
            "of a key of another kind",
            issuer.said_to_be("RS256"),
            "wrong_algorithm",
        ),
        (
            "of another curve",
            issuer.said_to_be("ES384"),
            "wrong_algorithm",
        ),
        (
            "signed with the public key",
            issuer.confuse(),
            "wrong_algorithm",
        ),
        (
            "cut short",
            honest[..honest.len() / 2].to_owned(),
            "malformed",
        ),
        ("no token", "token".to_owned(), "malformed"),
        (
            "too long",
            format!("{honest}{}", "A".repeat(8192)),
            "too_long",
        ),
    ]
}

/// Tokens of an attacker, whose headers lead to the attacker's key.
fn forged(issuer: &Issuer) -> Vec<(&'static str, String, &'static str)> {
    let elsewhere = |name: &str| Some(format!("{}/{name}", issuer.url));
    let by_id = |kid: &str| issuer.forge(|header, _| header.kid = Some(kid.to_owned()));
    vec![
        (
            "that brings its key",
            issuer.forge(|header, forged| header.jwk = Some(forged.jwk)),
            "bad_signature",
        ),
        (
            "that brings its certificate",
            issuer.forge(|header, forged| header.x5c = Some(forged.x5c)),
            "bad_signature",
        ),
        (
            "that says where keys are",
            issuer.forge(|header, _| header.jku = elsewhere("jku")),
            "bad_signature",
        ),
        (
            "that says where certificates are",
            issuer.forge(|header, _| header.x5u = elsewhere("x5u")),
            "bad_signature",
        ),
        (
            "of a key by its path",
            by_id("../../../../dev/null"),
            "unknown_key",
        ),
        (
            "of a key by its address",
            by_id(&elsewhere("kid").unwrap()),
            "unknown_key",
        ),
    ]
}

async fn assert_refused(
    storefront: &Instance,
    answer: Answer,
    before: &Counts,
    reason: &str,
    what: &str,
) {
    assert!(
        answer.is_problem(StatusCode::UNAUTHORIZED),
        "{what}: {answer:?}"
    );
    let challenge = match reason {
        "no_token" | "not_bearer" => "Bearer",
        _ => "Bearer error=\"invalid_token\"",
    };
    assert_eq!(answer.headers["www-authenticate"], challenge, "{what}");
    assert_eq!(answer.body["code"], "UNAUTHENTICATED", "{what}");
    assert!(
        !answer.body.to_string().contains(reason),
        "{what}: the client is told why"
    );
    let after = Counts::of(storefront.admin).await.unwrap();
    let of_kind = |counts: &Counts| counts.events("token_refused", reason);
    assert_eq!(of_kind(&after), of_kind(before) + 1, "{what}: {reason}");
    assert_eq!(
        after.all_requests(),
        before.all_requests(),
        "{what}: handled"
    );
    let event =
        |line: &str| line.contains("token_refused") && line.contains(&format!("\"{reason}\""));
    assert!(
        storefront.log().lines().any(event),
        "{what}: {reason} is not logged"
    );
}

async fn ask(edge: &Edge, credentials: &[String]) -> Answer {
    let asked = edge.send(OVERVIEW, |mut request| {
        for credential in credentials {
            let mut value = HeaderValue::from_str(credential).unwrap();
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        request
    });
    asked.await.unwrap()
}

/// What speaks for the same user behind the edge.
fn transaction_token(rig: &Rig) -> String {
    let storefront = &rig.estate.service("storefront").unwrap().id;
    let user = rig.principal("cus_000001");
    let token = rig.transaction_token(storefront, &user).unwrap();
    token.sign().unwrap()
}

pub(crate) async fn a_wrong_token_is_refused(rig: &mut Rig) {
    let audience = dns_name(Layer::Experience, Environment::Dev, "storefront");
    let issuer = Issuer::start(&format!("https://{audience}")).await;
    let launch = rig.another("storefront").unwrap();
    let storefront = launch
        .set("STRATA_TOKENS__ISSUER", &issuer.url)
        .start()
        .await
        .unwrap();
    let edge = rig.edge("storefront").unwrap().at(storefront.address);

    let honest = issuer.sign(&Issuer::header(), &issuer.claims(&json!({})));
    let bearer = |token: &str| format!("Bearer {token}");
    let answer = ask(&edge, &[bearer(&honest)]).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert_eq!(answer.body["profile"]["customerId"], "cus_000001");
    // The same issuer for several audiences, and the type in its long form (RFC 9068, section 4).
    let mut header = Issuer::header();
    header.typ = Some("application/at+jwt".to_owned());
    let several = issuer.claims(&json!({ "aud": ["https://other", issuer.audience] }));
    let answer = ask(&edge, &[bearer(&issuer.sign(&header, &several))]).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");

    // What a header says of keys is ignored, also that of an honest token.
    let mut header = Issuer::header();
    header.jku = Some(format!("{}/jku", issuer.url));
    let answer = ask(
        &edge,
        &[bearer(&issuer.sign(&header, &issuer.claims(&json!({}))))],
    )
    .await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");

    let flawed = flawed(&issuer).into_iter().chain(forged(&issuer));
    let flawed = flawed.map(|(what, token, reason)| (what, vec![bearer(&token)], reason));
    let misplaced = [
        ("nothing", vec![], "no_token"),
        (
            "two tokens",
            vec![bearer(&honest), bearer(&honest)],
            "two_tokens",
        ),
        (
            "another scheme",
            vec![format!("Basic {honest}")],
            "not_bearer",
        ),
        ("no scheme", vec![honest.clone()], "malformed"),
        (
            "a transaction token of the estate",
            vec![bearer(&transaction_token(rig))],
            "wrong_type",
        ),
        (
            "a token of the other issuer",
            vec![bearer(&rig.token("cus_000001").unwrap())],
            "unknown_key",
        ),
    ];
    for (what, credentials, reason) in flawed.chain(misplaced) {
        let before = Counts::of(storefront.admin).await.unwrap();
        let answer = ask(&edge, &credentials).await;
        assert_refused(&storefront, answer, &before, reason, what).await;
    }
    // Nothing was looked up where a token says.
    assert_eq!(
        issuer.asked(),
        ["/.well-known/openid-configuration", "/jwks"]
    );
}
