//! Requests with no token, and with one that nobody issued.

use anyhow::{Result, ensure};
use http::{Method, StatusCode, header::AUTHORIZATION};
use serde_json::{Value, json};

use crate::attack::{
    probe::{Family, Probe, Severity, Verdict},
    scene::{Scene, bearer},
};

pub(super) const FAMILY: Family = Family {
    name: "tokens",
    at_once: false,
    probes: &[
        Probe {
            id: "tokens.missing",
            name: "no token",
            severity: Severity::Critical,
            rows: &["T4", "API2"],
            shows: "a route answers whoever asks",
            remedy: "verify an access token before any route: AccessTokenLayer of shared/middleware",
            run: |scene| Box::pin(missing(scene)),
        },
        Probe {
            id: "tokens.garbage",
            name: "what is no token, or not one of a bearer",
            severity: Severity::Critical,
            rows: &["T4", "API2"],
            shows: "what is no token is taken for one",
            remedy: "take nothing but a whole JWT after the word Bearer",
            run: |scene| Box::pin(garbage(scene)),
        },
        Probe {
            id: "tokens.elsewhere",
            name: "a token in the query, a cookie or a header of the estate's own",
            severity: Severity::Medium,
            rows: &["L5", "API2"],
            shows: "a token is taken from where it is logged, or sent by a browser unasked",
            remedy: "read the token from Authorization alone (RFC 6750, section 2.1)",
            run: |scene| Box::pin(elsewhere(scene)),
        },
        Probe {
            id: "tokens.twice",
            name: "two tokens in one request",
            severity: Severity::Medium,
            rows: &["T4", "API2"],
            shows: "of two tokens one is chosen, and a proxy before it may choose the other",
            remedy: "refuse a request with more than one Authorization header",
            run: |scene| Box::pin(twice(scene)),
        },
        Probe {
            id: "tokens.none",
            name: "a token that says it is signed by nobody",
            severity: Severity::Critical,
            rows: &["T1", "API2"],
            shows: "anybody can write a token for anybody",
            remedy: "let the key decide the algorithm, never the token",
            run: |scene| Box::pin(none(scene)),
        },
        Probe {
            id: "tokens.confused",
            name: "a token signed by HS256 with the issuer's public key",
            severity: Severity::Critical,
            rows: &["T1", "API2"],
            shows: "anybody who knows the public key can write a token for anybody",
            remedy: "let the key decide the algorithm, never the token",
            run: |scene| Box::pin(confused(scene)),
        },
        Probe {
            id: "tokens.signature",
            name: "a token signed by another key, or by none",
            severity: Severity::Critical,
            rows: &["T1", "API2"],
            shows: "signatures are not verified",
            remedy: "verify the signature by the issuer's keys before anything is read",
            run: |scene| Box::pin(signature(scene)),
        },
        Probe {
            id: "tokens.claims",
            name: "a token with another user, another end or more scopes than were signed",
            severity: Severity::Critical,
            rows: &["T3", "API2"],
            shows: "claims count that nobody signed",
            remedy: "verify the signature by the issuer's keys before anything is read",
            run: |scene| Box::pin(claims(scene)),
        },
        Probe {
            id: "tokens.own_key",
            name: "a token that brings its key, or says where it is",
            severity: Severity::Critical,
            rows: &["T2", "API2"],
            shows: "a token is verified by a key of its own choice",
            remedy: "read jwk, x5c, jku and x5u of no token, and look kid up among the issuer's keys alone",
            run: |scene| Box::pin(own_key(scene)),
        },
        Probe {
            id: "tokens.transaction",
            name: "a token of another kind: of a transaction, or of a sign-in",
            severity: Severity::High,
            rows: &["L5", "API2"],
            shows: "a token that is none for this API is taken",
            remedy: "take typ at+jwt alone (RFC 9068, section 4)",
            run: |scene| Box::pin(transaction(scene)),
        },
    ],
};

/// The first of these that is not 401.
async fn refused(scene: &Scene, tokens: &[(&str, String)]) -> Result<Verdict> {
    let (route, _) = scene.honest().await?;
    for (what, token) in tokens {
        let bearer = bearer(token);
        let headers = [(AUTHORIZATION.as_str(), bearer.as_str())];
        let answer = scene.get_with(&route.path, &headers).await?;
        if answer.status != StatusCode::UNAUTHORIZED {
            return Ok(Verdict::Found(format!(
                "{what}: GET {} answers {}",
                route.path, answer.status
            )));
        }
    }
    Ok(Verdict::Passed)
}

async fn missing(scene: &Scene) -> Result<Verdict> {
    for route in &scene.contract.routes {
        if route.scopes.is_empty() {
            continue;
        }
        let path = route.path.replace(['{', '}'], "");
        let answer = scene.send(&route.method, &path, &[], "").await?;
        if answer.status != StatusCode::UNAUTHORIZED {
            return Ok(Verdict::Found(format!(
                "{} {} answers {} without a token",
                route.method, route.path, answer.status
            )));
        }
    }
    Ok(Verdict::Passed)
}

async fn garbage(scene: &Scene) -> Result<Verdict> {
    let honest = scene.accounts.a.token();
    let half = honest.get(..honest.len() / 2).unwrap_or_default();
    let made = [
        ("a word", "token".to_owned()),
        ("nothing", String::new()),
        ("three dots", "a.b.c".to_owned()),
        ("half a token", half.to_owned()),
        ("a token and more", format!("{honest}.{honest}")),
    ];
    let verdict = refused(scene, &made).await?;
    if verdict != Verdict::Passed {
        return Ok(verdict);
    }
    let (route, _) = scene.honest().await?;
    for scheme in ["Basic ", "Token ", ""] {
        let header = format!("{scheme}{honest}");
        let headers = [(AUTHORIZATION.as_str(), header.as_str())];
        let answer = scene.get_with(&route.path, &headers).await?;
        if answer.status != StatusCode::UNAUTHORIZED {
            return Ok(Verdict::Found(format!(
                "a token after {scheme:?} is answered {}",
                answer.status
            )));
        }
    }
    Ok(Verdict::Passed)
}

async fn elsewhere(scene: &Scene) -> Result<Verdict> {
    let (route, _) = scene.honest().await?;
    let honest = scene.accounts.a.token();
    let query = format!("{}?access_token={honest}", route.path);
    let cookie = format!("access_token={honest}; session={honest}");
    let bearer = bearer(honest);
    let asked = [
        ("the query", query.as_str(), vec![]),
        ("a cookie", &route.path, vec![("cookie", cookie.as_str())]),
        ("Txn-Token", &route.path, vec![("txn-token", honest)]),
        (
            "X-Forwarded-Authorization",
            &route.path,
            vec![("x-forwarded-authorization", bearer.as_str())],
        ),
        (
            "Proxy-Authorization",
            &route.path,
            vec![("proxy-authorization", bearer.as_str())],
        ),
    ];
    for (what, path, headers) in asked {
        let answer = scene.get_with(path, &headers).await?;
        if answer.status != StatusCode::UNAUTHORIZED {
            return Ok(Verdict::Found(format!(
                "a token in {what} is answered {}",
                answer.status
            )));
        }
    }
    Ok(Verdict::Passed)
}

async fn twice(scene: &Scene) -> Result<Verdict> {
    let (route, _) = scene.honest().await?;
    let [a, b] = [&scene.accounts.a, &scene.accounts.b].map(|held| bearer(held.token()));
    let both = [
        (AUTHORIZATION.as_str(), a.as_str()),
        (AUTHORIZATION.as_str(), b.as_str()),
    ];
    let answer = scene.send(&Method::GET, &route.path, &both, "").await?;
    let taken = answer.status.is_success();
    Ok(Verdict::unless(taken.then(|| {
        format!(
            "the tokens of two users together are answered {}",
            answer.status
        )
    })))
}

async fn none(scene: &Scene) -> Result<Verdict> {
    let honest = &scene.accounts.a;
    let mut made = Vec::new();
    for name in ["none", "None", "NONE", "nOnE"] {
        made.push((name, honest.said_to_be(name)?));
    }
    refused(scene, &made).await
}

async fn confused(scene: &Scene) -> Result<Verdict> {
    let honest = &scene.accounts.a;
    let keys = scene.accounts.keys.as_ref();
    let Some(keys) = keys.and_then(|keys| keys["keys"].as_array()) else {
        let why = "the issuer's public keys are not known: give its JWK Set with --keys";
        return Ok(Verdict::Inconclusive(why.to_owned()));
    };
    let key = keys.iter().find(|key| key["kid"].as_str() == honest.key());
    let Some(key) = key else {
        let why = "the key of the first token is not in --keys: give the issuer's own JWK Set";
        return Ok(Verdict::Inconclusive(why.to_owned()));
    };
    let made = honest.confused(key)?.into_iter();
    let made: Vec<_> = made.map(|token| ("signed by HS256", token)).collect();
    refused(scene, &made).await
}

async fn signature(scene: &Scene) -> Result<Verdict> {
    let honest = &scene.accounts.a;
    let unsigned = honest
        .token()
        .rsplit_once('.')
        .map(|(signed, _)| format!("{signed}."));
    let made = [
        ("a signature with other bits", honest.mangled()),
        ("a signature of another key", honest.forged(|_, _| {})?),
        ("no signature", unsigned.unwrap_or_default()),
    ];
    refused(scene, &made).await
}

async fn claims(scene: &Scene) -> Result<Verdict> {
    let honest = &scene.accounts.a;
    let far = 4_000_000_000_u64;
    let changes: [(&str, Value); 5] = [
        ("another user", json!({ "sub": "somebody-else" })),
        ("a later end", json!({ "exp": far })),
        ("an end in words", json!({ "exp": far.to_string() })),
        ("a beginning to come", json!({ "nbf": far })),
        (
            "all roles",
            json!({ "roles": ["admin"], "scope": scene.contract.scope() }),
        ),
    ];
    let made = changes.map(|(what, change)| (what, honest.altered(&change)));
    refused(scene, &made).await
}

async fn own_key(scene: &Scene) -> Result<Verdict> {
    let honest = &scene.accounts.a;
    ensure!(honest.key().is_some(), "the token names no key");
    // Where a token says that its key is: at the target itself, since nobody else is to be asked.
    let there = format!("https://{}/keys", scene.target.authority());
    let made = [
        (
            "jwk",
            honest.forged(|header, forged| header.jwk = Some(forged.jwk))?,
        ),
        (
            "x5c",
            honest.forged(|header, forged| header.x5c = Some(forged.x5c))?,
        ),
        (
            "jku",
            honest.forged(|header, _| header.jku = Some(there.clone()))?,
        ),
        (
            "x5u",
            honest.forged(|header, _| header.x5u = Some(there.clone()))?,
        ),
        (
            "kid that is a path",
            honest.forged(|header, _| header.kid = Some("../../../../dev/null".to_owned()))?,
        ),
        (
            "kid that is a query",
            honest.forged(|header, _| header.kid = Some("' OR '1'='1".to_owned()))?,
        ),
    ];
    refused(scene, &made).await
}

async fn transaction(scene: &Scene) -> Result<Verdict> {
    let honest = &scene.accounts.a;
    let of = |kind: Option<&str>| {
        let kind = kind.map(str::to_owned);
        honest.forged(|header, _| header.typ = kind)
    };
    let made = [
        ("of a transaction", of(Some("txntoken+jwt"))?),
        ("of a sign-in", of(Some("JWT"))?),
        ("of no kind", of(None)?),
    ];
    refused(scene, &made).await
}
