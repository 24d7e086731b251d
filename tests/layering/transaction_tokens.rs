//! Who may say for whom a call is: an Experience API of this environment, by its token key.

use bytes::Bytes;
use serde_json::json;
use strata_config::{Environment, trust_domain};
use strata_core::{Layer, SpiffeId};
use strata_estate::{
    Running,
    pki::{Authority, LEAF_LIFETIME, LeafSpec, Validity},
};
use strata_testkit::{Credential, Probe, TransactionToken};
use strata_tests::{Counts, Rig};
use tonic::{Code, Request, Status};

use crate::callers::honest;

/// A call of an honest workload with this token.
async fn call(
    rig: &Rig,
    (callee, caller, path): (&Running, &SpiffeId, &str),
    token: Option<&TransactionToken>,
) -> Result<Bytes, Status> {
    let mut request = Request::new(Bytes::new());
    if let Some(token) = token {
        token.write(request.metadata_mut().as_mut()).unwrap();
    }
    let credential = Credential::honest(rig.estate.pki(), caller).unwrap();
    let mut probe = Probe::new(rig.estate.pki(), callee.address, &credential).unwrap();
    probe.call(path, request).await
}

/// Asserts that a call is refused for this reason, and for want of a credential as its caller hears it.
async fn assert_refused(
    callee: &Running,
    (event, reason): (&str, &str),
    what: &str,
    attempt: impl Future<Output = Result<Bytes, Status>>,
) {
    let before = Counts::of(callee.admin).await.unwrap();
    let status = attempt.await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated, "{what}: {status}");
    assert!(!status.message().contains(reason), "{what}: it is told why");
    let after = Counts::of(callee.admin).await.unwrap();
    let counted = after.events(event, reason) - before.events(event, reason);
    assert_eq!(counted, 1, "{what}: {event} {reason}");
}

/// Tokens that are wrong in one way each, and why they are refused.
fn wrong(rig: &Rig, requester: &SpiffeId) -> Vec<(&'static str, TransactionToken, &'static str)> {
    let pki = rig.estate.pki();
    let user = rig.principal("cus_000001");
    let honest = || TransactionToken::honest(pki, requester, &user).unwrap();
    let signed = |authority: &Authority, spec: &LeafSpec| {
        TransactionToken::signed_by(authority, spec, &user).unwrap()
    };
    let changed = |change: &dyn Fn(&mut TransactionToken)| {
        let mut token = honest();
        change(&mut token);
        token
    };
    let process = &rig.estate.service("customer-overview").unwrap().id;
    let tokens = pki.token_authority().unwrap();
    let prod = trust_domain(Layer::Experience, Environment::Prod).unwrap();
    let of_prod = Authority::for_tokens(&prod, Validity::from_now(LEAF_LIFETIME)).unwrap();
    let there = prod.workload(requester.service()).unwrap();
    let svid = |id: &SpiffeId| {
        let authority = pki.authority(id.layer()).unwrap();
        signed(&authority, &LeafSpec::svid(id, pki.environment()))
    };
    vec![
        (
            "signed with the SVID of a Process API",
            svid(process),
            "token_foreign_trust_domain",
        ),
        (
            "signed with the SVID of an Experience API",
            svid(requester),
            "token_wrong_key_usage",
        ),
        (
            "of a Process API",
            signed(&tokens, &LeafSpec::token(process)),
            "token_foreign_trust_domain",
        ),
        (
            "of production",
            signed(&of_prod, &LeafSpec::token(&there)),
            "token_foreign_trust_domain",
        ),
        (
            "of production's CA",
            signed(&of_prod, &LeafSpec::token(requester)),
            "token_unknown_issuer",
        ),
        (
            "for production",
            changed(&|token| token.claims["aud"] = json!(prod.environment())),
            "token_wrong_audience",
        ),
        (
            "that has expired",
            changed(&|token| {
                let made = token.claims["iat"].as_u64().unwrap();
                token.claims["exp"] = json!(made - 60);
            }),
            "token_expired",
        ),
        (
            "that is an access token",
            changed(&|token| token.header.typ = Some("at+jwt".to_owned())),
            "token_wrong_type",
        ),
    ]
}

pub(crate) async fn only_the_edge_says_who_the_user_is(rig: &mut Rig) {
    for (callee, caller, method) in honest(rig) {
        let there = (callee, &caller, &*method.path);
        let user = rig.principal("cus_000001");
        let token = rig.transaction_token(&caller, &user).unwrap();
        let before = Counts::of(callee.admin).await.unwrap();
        if let Err(status) = call(rig, there, Some(&token)).await {
            assert_ne!(status.code(), Code::Unauthenticated, "{status}");
        }
        let after = Counts::of(callee.admin).await.unwrap();
        assert_eq!(after.refusals(), before.refusals(), "{caller}");

        let requester = if caller.layer() == Layer::Experience {
            caller.clone()
        } else {
            rig.estate.service("storefront").unwrap().id.clone()
        };
        for (what, token, reason) in wrong(rig, &requester) {
            let what = format!("a token {what}, at {}", callee.id);
            let attempt = call(rig, there, Some(&token));
            assert_refused(callee, ("call_refused", reason), &what, attempt).await;
        }
        if caller.layer() == Layer::Experience {
            // What another Experience API made has no business with this one.
            let domain = trust_domain(Layer::Experience, Environment::Dev).unwrap();
            let other = domain.workload("other").unwrap();
            let token = rig.transaction_token(&other, &user).unwrap();
            let attempt = call(rig, there, Some(&token));
            let event = ("call_refused", "token_of_another_requester");
            assert_refused(callee, event, "a token of another", attempt).await;
        }
    }
}

pub(crate) async fn a_call_that_needs_a_user_and_has_none_is_refused(rig: &mut Rig) {
    for (callee, caller, method) in honest(rig) {
        let attempt = call(rig, (callee, &caller, &method.path), None);
        let event = ("access_refused", "no_user");
        assert_refused(callee, event, &method.path, attempt).await;
    }
}
