//! The other direction: a caller that is answered by another than the one it calls sends nothing.
//! A second process of the caller's own binary calls a stand-in under each identity.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use strata_core::SpiffeId;
use strata_estate::Pki;
use strata_testkit::{Credential, Flaw, Probe};
use strata_tests::{Counts, Instance, Rig, StandIn, eventually};
use tonic::{Code, Request};

const PATIENCE: Duration = Duration::from_secs(5);

/// What a stand-in can be instead of `callee`, and why the caller must refuse it.
fn impostors(rig: &Rig, callee: &SpiffeId) -> Vec<(String, Credential, &'static str)> {
    let pki = rig.estate.pki();
    let flaws = Flaw::ALL
        .into_iter()
        .filter(|flaw| *flaw != Flaw::NoCertificate);
    let flaws = flaws.map(|flaw| {
        let reason = match flaw {
            Flaw::WrongIdentity => "wrong_identity",
            other => other.reason(),
        };
        (
            format!("{flaw:?}"),
            flaw.callee(pki, callee).unwrap(),
            reason,
        )
    });
    let others = rig
        .estate
        .services()
        .iter()
        .filter(|other| other.id != *callee);
    let others = others.map(|other| {
        let reason = if other.layer == callee.layer() {
            "wrong_identity"
        } else {
            "foreign_trust_domain"
        };
        (other.id.to_string(), honest(pki, &other.id), reason)
    });
    flaws.chain(others).collect()
}

fn honest(pki: &Pki, id: &SpiffeId) -> Credential {
    Credential::honest(pki, id).unwrap()
}

/// Asserts that `caller` has sent nothing to the stand-in and says why.
async fn assert_upstream_refused(caller: &Instance, stand_in: &StandIn, reason: &str, what: &str) {
    let counted = eventually(PATIENCE, async || {
        let counts = Counts::of(caller.admin).await?;
        Ok(counts.events("upstream_refused", reason) > 0)
    });
    assert!(counted.await.is_ok(), "{what}: no event for {reason}");
    let counts = Counts::of(caller.admin).await.unwrap();
    assert_eq!(
        counts.refusals(),
        counts.events("upstream_refused", reason),
        "{what}"
    );
    let event = |line: &str| line.contains("event=\"upstream_refused\"") && line.contains(reason);
    assert!(caller.log().lines().any(event), "{what}");
    assert!(stand_in.received().is_empty(), "{what}: a request was sent");
}

/// A Process API that calls a System API.
pub(crate) async fn an_upstream_that_is_another_is_refused(rig: &mut Rig) {
    let callee = &rig.estate.service("customers").unwrap().id;
    let user = &rig.estate.service("storefront").unwrap().id;
    let methods = rig
        .contracts
        .methods(strata_core::Layer::Process, "customer-overview");
    let method = methods
        .iter()
        .find(|method| method.name == "GetOverview")
        .unwrap();
    let ask = async |stand_in: &StandIn| {
        let launch = rig.another("customer-overview").unwrap();
        let caller = launch
            .upstream("customers", stand_in.address)
            .start()
            .await
            .unwrap();
        let mut request = Request::new(Bytes::new());
        let customer = rig.principal("cus_000001");
        rig.act_for(&customer, user, request.metadata_mut().as_mut())
            .unwrap();
        let credential = honest(rig.estate.pki(), user);
        let mut probe = Probe::new(rig.estate.pki(), caller.address, &credential).unwrap();
        let status = probe.call(&method.path, request).await.unwrap_err();
        (caller, status.code())
    };

    let stand_in = StandIn::start(&honest(rig.estate.pki(), callee))
        .await
        .unwrap();
    let (_, code) = ask(&stand_in).await;
    assert_eq!(code, Code::NotFound);
    assert_eq!(stand_in.received().len(), 1);

    for (name, credential, reason) in impostors(rig, callee) {
        let stand_in = StandIn::start(&credential).await.unwrap();
        let (caller, code) = ask(&stand_in).await;
        assert_eq!(code, Code::Unavailable, "{name}");
        assert_upstream_refused(&caller, &stand_in, reason, &name).await;
    }
}

/// An Experience API that calls a Process API.
pub(crate) async fn an_upstream_that_is_another_is_refused_at_the_edge(rig: &mut Rig) {
    let callee = &rig.estate.service("customer-overview").unwrap().id;
    let token = rig.token("cus_000001").unwrap();
    let ask = async |stand_in: &StandIn| {
        let launch = rig.another("storefront").unwrap();
        let launch = launch.upstream("customer-overview", stand_in.address);
        let caller = launch.start().await.unwrap();
        let edge = rig.edge("storefront").unwrap().at(caller.address);
        let answer = edge.get("/v1/me/overview", &token).await.unwrap();
        (caller, answer)
    };

    let stand_in = StandIn::start(&honest(rig.estate.pki(), callee))
        .await
        .unwrap();
    let (_, answer) = ask(&stand_in).await;
    assert!(answer.is_problem(StatusCode::NOT_FOUND), "{answer:?}");
    assert_eq!(stand_in.received().len(), 1);

    for (name, credential, reason) in impostors(rig, callee) {
        let stand_in = StandIn::start(&credential).await.unwrap();
        let (caller, answer) = ask(&stand_in).await;
        assert!(
            answer.is_problem(StatusCode::SERVICE_UNAVAILABLE),
            "{name}: {answer:?}"
        );
        assert_upstream_refused(&caller, &stand_in, reason, &name).await;
    }
}
