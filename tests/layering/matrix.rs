//! Every caller against every method of every callee. The callers are all services there are and
//! services there could be, each with an SVID its own authority signed.

use std::collections::BTreeSet;

use strata_config::{Environment, trust_domain};
use strata_core::{Layer, SpiffeId};
use strata_estate::Running;
use strata_testkit::Credential;
use strata_tests::Rig;

use crate::callers::{assert_answered, assert_refused, call, granted, honest};

/// Every name of a service, and one of none, in every layer, so that neither a name nor a layer
/// alone opens anything; and whoever is granted a call.
fn callers(rig: &Rig) -> BTreeSet<SpiffeId> {
    let names = rig.estate.services().iter().map(|service| &*service.name);
    let names: Vec<&str> = names.chain(["imaginary"]).collect();
    let in_layer = |layer: Layer| {
        let domain = trust_domain(layer, Environment::Dev).unwrap();
        names.iter().map(move |name| domain.workload(name).unwrap())
    };
    let granted = rig.callees().flat_map(|callee| granted(callee).into_keys());
    Layer::ALL
        .into_iter()
        .flat_map(in_layer)
        .chain(granted)
        .collect()
}

/// The event a callee must note of a call, if it must refuse it.
fn expected(
    callee: &Running,
    caller: &SpiffeId,
    method: &str,
) -> Option<(&'static str, &'static str)> {
    match granted(callee).get(caller) {
        // Only an exemption lets one of another layer in, and then it is granted something.
        None if !caller.layer().may_call(callee.layer) => {
            Some(("peer_refused", "foreign_trust_domain"))
        }
        None => Some(("call_refused", "unknown_caller")),
        Some(methods) if !methods.iter().any(|name| name == method) => {
            Some(("call_refused", "method_not_allowed"))
        }
        Some(_) => None,
    }
}

pub(crate) async fn only_declared_edges_answer(rig: &mut Rig) {
    let callers = callers(rig);
    assert!(
        rig.estate
            .services()
            .iter()
            .all(|service| callers.contains(&service.id))
    );
    let (mut answered, mut refused) = (0, 0);
    for callee in rig.callees() {
        for method in rig.contracts.methods(callee.layer, &callee.name) {
            for caller in &callers {
                let path = &method.path;
                let Some(event) = expected(callee, caller, &method.name) else {
                    assert_answered(rig, callee, caller, path).await;
                    answered += 1;
                    continue;
                };
                let credential = Credential::honest(rig.estate.pki(), caller).unwrap();
                let attempt = async {
                    assert!(
                        call(rig, callee, (caller, &credential), path)
                            .await
                            .is_err()
                    );
                };
                assert_refused(callee, event, &format!("{caller} {path}"), attempt).await;
                refused += 1;
            }
        }
    }
    let declared = rig
        .callees()
        .flat_map(granted)
        .map(|(_, methods)| methods.len());
    assert_eq!(answered, declared.sum::<usize>());
    assert!(refused > answered);
}

pub(crate) async fn a_method_that_does_not_exist_is_refused(rig: &mut Rig) {
    for (callee, caller, method) in honest(rig) {
        assert_answered(rig, callee, &caller, &method.path).await;
        let credential = Credential::honest(rig.estate.pki(), &caller).unwrap();
        for path in [
            format!("{}All", method.path),
            method.path.to_lowercase(),
            "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo".to_owned(),
        ] {
            let attempt = async {
                assert!(
                    call(rig, callee, (&caller, &credential), &path)
                        .await
                        .is_err()
                );
            };
            assert_refused(callee, ("call_refused", "unknown_method"), &path, attempt).await;
        }
    }
}
