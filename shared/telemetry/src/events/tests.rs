use std::{
    collections::BTreeSet,
    time::{Duration, SystemTime},
};

use serde_json::{Map, Value};
use strata_audit::ResourceKey;
use strata_core::{Authentication, Category, Clearance, Sensitivity};

use super::{emit::log, record::Record, *};
use crate::log::tests::json;

const USER: &str = "cus_000001";

fn principal() -> Arc<Principal> {
    Arc::new(Principal {
        subject: USER.to_owned(),
        roles: Vec::new(),
        scopes: Vec::new(),
        region: None,
        tenant: None,
        clearance: Clearance::default(),
        authentication: Authentication::default(),
    })
}

/// One of each kind, which says all it can.
fn samples(user: &Arc<Principal>) -> Vec<SecurityEvent<'_>> {
    let address = "192.0.2.1:443".parse().unwrap();
    let who = Who {
        user: Some(user),
        caller: Some("spiffe://process.dev.example/overview"),
        address: Some(address),
    };
    let (method, reason, document) = ("/a.A/Get", "reason", "policy/access.cedar");
    let digest = "00ff";
    let resource = Some(("customer_id", USER));
    let part = Part {
        name: "svid",
        digest,
        expires: SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000),
    };
    let denied = |enforced| SecurityEvent::PolicyDenied {
        who,
        method,
        resource,
        policy: Some("own-data"),
        enforced,
        reason,
    };
    vec![
        SecurityEvent::PeerLimited { address, reason },
        SecurityEvent::PeerRefused { address, reason },
        SecurityEvent::ListenerStarved { reason },
        SecurityEvent::UpstreamRefused {
            upstream: "customers",
            reason,
        },
        SecurityEvent::CallRefused {
            who,
            method,
            resource,
            reason,
        },
        SecurityEvent::ExemptionUsed { who, method },
        SecurityEvent::TokenRefused {
            address: Some(address),
            reason,
        },
        SecurityEvent::AccessRefused {
            who,
            method,
            reason,
        },
        SecurityEvent::RateLimited { who, reason },
        SecurityEvent::LimitsUnshared { reason },
        SecurityEvent::LimitsShared { reason },
        denied(true),
        denied(false),
        SecurityEvent::LabelReleased {
            who,
            method,
            resource,
            label: Label::new(
                Sensitivity::Restricted,
                &[Category::Personal, Category::SpecialCategory],
            ),
            reason,
        },
        SecurityEvent::AuditFailed { reason },
        SecurityEvent::AuditResumed,
        SecurityEvent::ConfigurationLoaded { digest },
        SecurityEvent::PolicyLoaded { document, digest },
        SecurityEvent::PolicyReplaced {
            document,
            digest,
            reason,
        },
        SecurityEvent::PolicyRejected { document, reason },
        SecurityEvent::MaterialLoaded(part),
        SecurityEvent::MaterialReplaced(part),
        SecurityEvent::MaterialRefused {
            document: Some("svid.pem"),
            reason,
        },
        SecurityEvent::MaterialExpiring(part),
        SecurityEvent::IssuerKeysReplaced { digest, reason },
        SecurityEvent::IssuerKeysRefused { reason },
    ]
}

fn told(event: &SecurityEvent<'_>) -> Map<String, Value> {
    let key = ResourceKey::derived(b"key");
    let mut lines = json("info", || log(&Record::from(event), Some(&key)));
    assert_eq!(lines.len(), 1, "{event:?}");
    lines.remove(0)
}

#[test]
fn each_kind_is_the_event_that_the_table_says() {
    let user = principal();
    let mut seen = BTreeSet::new();
    for event in samples(&user) {
        let kind = Record::from(&event).event;
        seen.insert(kind);
        let line = Value::Object(told(&event));
        let mapping = kind.mapping();
        let (activity, _) = mapping.activity;
        let class = mapping.class.uid();
        for (name, value) in [
            ("/class_uid", class),
            ("/category_uid", mapping.class.category().0),
            ("/activity_id", activity),
            ("/type_uid", class * 100 + activity),
            ("/severity_id", mapping.severity as u32),
        ] {
            assert_eq!(line.pointer(name), Some(&value.into()), "{name}: {line}");
        }
        assert_eq!(line["metadata"]["event_code"], kind.as_str());
        assert!(
            line["time"]
                .as_u64()
                .is_some_and(|time| time > 1_700_000_000_000),
            "{line}"
        );
        for (said, place, _) in SAYS {
            if mapping.says.contains(&said) {
                assert!(line.pointer(place).is_some(), "{said}: {line}");
            }
        }
        for said in mapping.says {
            assert!(SAYS.iter().any(|(name, ..)| name == said), "{said}");
        }
    }
    assert_eq!(seen, Kind::ALL.iter().copied().collect());
}

#[test]
fn nobody_is_named_in_the_log_who_is_no_workload() {
    let user = principal();
    for event in samples(&user) {
        let line = Value::Object(told(&event));
        assert!(!line.to_string().contains(USER), "{line}");
    }
    let key = ResourceKey::derived(b"key");
    let released = samples(&user).remove(13);
    let line = told(&released);
    assert_eq!(line["actor"]["user"]["uid"], key.text(USER));
    assert_eq!(line["resources"][0]["uid"], key.text(USER));
    // Without the key of an environment there is no name at all.
    let unnamed = json("info", || log(&Record::from(&released), None));
    assert!(unnamed[0].get("resources").is_none(), "{unnamed:?}");
}

#[test]
fn what_is_no_event_of_ours_stays_a_line() {
    let lines = json("info", || {
        tracing::warn!(target: TARGET, event = "made_up", reason = "reason", "security event");
    });
    assert_eq!(lines[0]["target"], TARGET);
    assert_eq!(lines[0]["event"], "made_up");
}
