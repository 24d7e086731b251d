//! Whoever has not exactly the right certificate is refused at the door, and the log says why.

use strata_testkit::Flaw;
use strata_tests::Rig;

use crate::callers::{assert_answered, assert_refused, call, honest};

pub(crate) async fn every_flaw_is_refused_before_a_request(rig: &mut Rig) {
    for (callee, caller, method) in honest(rig) {
        assert_answered(rig, callee, &caller, &method.path).await;
        for flaw in Flaw::ALL {
            let credential = flaw.caller(rig.estate.pki(), &caller).unwrap();
            // An honest stranger gets through the handshake: callers.toml refuses it.
            let event = match flaw {
                Flaw::WrongIdentity => "call_refused",
                _ => "peer_refused",
            };
            let attempt = async {
                let answer = call(rig, callee, (&caller, &credential), &method.path).await;
                assert!(answer.is_err(), "{flaw:?}");
            };
            let what = format!("{flaw:?} at {}", callee.id);
            assert_refused(callee, (event, flaw.reason()), &what, attempt).await;
        }
    }
}
