//! What the policies of the sample services say of objects, asked as their services ask.

use std::sync::Arc;

use strata_core::{AGENT, Authentication, Clearance, Object, Principal};
use strata_guard::{Facts, Guard};

use crate::repository::ROOT;

fn user(subject: &str, role: &str, region: Option<&str>, tenant: Option<&str>) -> Arc<Principal> {
    Arc::new(Principal {
        subject: subject.to_owned(),
        roles: vec![role.to_owned()],
        scopes: Vec::new(),
        region: region.map(str::to_owned),
        tenant: tenant.map(str::to_owned),
        clearance: Clearance::default(),
        authentication: Authentication::default(),
    })
}

/// Of the sample System APIs: users reach their own objects, agents those of their brand and region, nobody
/// else any.
#[test]
fn users_reach_their_own_and_agents_their_brand_and_region() {
    let mut asked = 0;
    for (service, kind, methods) in [
        (
            "customers",
            "Customer",
            ["GetCustomer", "UpdateContact"].as_slice(),
        ),
        (
            "orders",
            "Order",
            &["GetOrder", "ListOrders", "StreamOrders"],
        ),
    ] {
        let schema = strata_codegen::policy_schema(&ROOT.join("proto/system").join(service));
        let policy = ROOT.join("system-api").join(service).join("policy");
        let guard = Guard::load(policy, &schema.unwrap().unwrap(), service, "prod").unwrap();
        let object = |owner| Object {
            kind,
            owner,
            region: "uk",
            tenant: "teahouse",
        };
        let (uk, teahouse) = (Some("uk"), Some("teahouse"));
        for method in methods {
            for (principal, reaches) in [
                (user("cus_000001", "customer", None, None), true),
                (user("cus_000001", "customer", None, Some("roastery")), true),
                (user("cus_000002", "customer", uk, teahouse), false),
                (user("agent-7", AGENT, uk, teahouse), true),
                (user("agent-7", AGENT, Some("de"), teahouse), false),
                (user("agent-7", AGENT, None, teahouse), false),
                (user("agent-7", AGENT, uk, Some("roastery")), false),
                (user("agent-7", AGENT, uk, None), false),
                (user("supervisor-1", "supervisor", uk, teahouse), false),
            ] {
                let facts = Facts {
                    caller: None,
                    user: Some(&principal),
                    network: None,
                };
                let decided = guard.decide_object(method, &facts, &object("cus_000001"));
                assert_eq!(decided.is_ok(), reaches, "{method} {principal:?}");
                let stranger = Object {
                    kind: "Parcel",
                    ..object("cus_000001")
                };
                assert!(guard.decide_object(method, &facts, &stranger).is_err());
                asked += 1;
            }
        }
    }
    assert_eq!(asked, 45);
}
