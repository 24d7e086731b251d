//! Policies that change under a running service, and what a refusal tells whom.

use std::{fs, path::Path, time::Duration};

use http::StatusCode;
use strata_tests::{Counts, Edge, Instance, Rig, eventually};

use crate::folder::copy_of;

/// Above the look every 15 seconds.
const PATIENCE: Duration = Duration::from_secs(40);

const PATH: &str = "/v1/customers/cus_000001/overview";
const AGENTS: &str = "principal in Role::\"agent\"";

/// A support desk whose policies a test may change.
async fn desk(rig: &Rig, folder: &Path) -> (Instance, Edge) {
    let launch = rig.another("support-desk").unwrap().folder(folder);
    let desk = launch.start().await.unwrap();
    let edge = rig.edge("support-desk").unwrap().at(desk.address);
    (desk, edge)
}

/// A role that may not is refused, without a word of the policy; the event names it.
pub(crate) async fn who_is_refused_is_told_nothing_of_the_policy(rig: &mut Rig) {
    let folder = copy_of(rig, "support-desk");
    let (desk, edge) = desk(rig, folder.path()).await;
    let policy = folder.path().join("policy/access.cedar");
    let text = fs::read_to_string(&policy).unwrap();
    let forbid =
        "@id(\"never-on-sundays\")\nforbid (principal == User::\"agent-9\", action, resource);\n";
    fs::write(&policy, format!("{text}\n{forbid}")).unwrap();
    let sunday = rig.token_of("agent-9", &["agent"], "uk").unwrap();
    let forbidden = eventually(PATIENCE, async || {
        Ok(edge.get(PATH, &sunday).await?.status == StatusCode::FORBIDDEN)
    });
    assert!(forbidden.await.is_ok(), "what a policy forbids is answered");
    let honest = edge.get(PATH, &rig.agent_token(Some("uk")).unwrap()).await;
    assert_eq!(honest.unwrap().status, StatusCode::OK);
    let customer = rig.token("cus_000001").unwrap();
    for token in [&sunday, &customer] {
        let answer = edge.get(PATH, token).await.unwrap();
        assert!(answer.is_problem(StatusCode::FORBIDDEN), "{answer:?}");
        let body = answer.body.to_string();
        assert!(
            !body.contains("never-on-sundays") && !body.contains("polic"),
            "{body}"
        );
    }
    let counts = Counts::of(desk.admin).await.unwrap();
    assert!(counts.events("policy_denied", "forbidden") >= 1);
    assert_eq!(counts.events("policy_denied", "not_permitted"), 1);
    let log = desk.log();
    let told = |line: &str| line.contains("policy_denied") && line.contains("never-on-sundays");
    assert!(log.lines().any(told), "{log}");
}

/// New policies are in force without a restart; broken ones change nothing and raise an alarm.
pub(crate) async fn broken_policies_change_nothing_until_they_are_mended(rig: &mut Rig) {
    let folder = copy_of(rig, "support-desk");
    let (desk, edge) = desk(rig, folder.path()).await;
    let policy = folder.path().join("policy/access.cedar");
    let text = fs::read_to_string(&policy).unwrap();
    let token = rig.agent_token(Some("uk")).unwrap();
    let status = async || edge.get(PATH, &token).await.unwrap().status;
    assert_eq!(status().await, StatusCode::OK);
    for broken in [
        text.replacen("permit (", "permitt (", 1),
        text.replace("GetCustomerOverview", "GetCustomersOverview"),
        String::new(),
    ] {
        let alarms = async || {
            let counts = Counts::of(desk.admin).await?;
            anyhow::Ok(counts.events("policy_rejected", "invalid_policies"))
        };
        let before = alarms().await.unwrap();
        fs::write(&policy, broken).unwrap();
        let alarmed = eventually(PATIENCE, async || Ok(alarms().await? > before));
        assert!(alarmed.await.is_ok(), "broken policies raise no alarm");
        assert_eq!(status().await, StatusCode::OK);
        assert!(desk.is_ready().await.unwrap());
    }
    assert!(desk.log().contains("access.cedar:"));
    let others = text.replace(AGENTS, "principal in Role::\"clerk\"");
    assert_ne!(others, text);
    for (policies, expected) in [(others, StatusCode::FORBIDDEN), (text, StatusCode::OK)] {
        fs::write(&policy, policies).unwrap();
        let changed = eventually(PATIENCE, async || Ok(status().await == expected));
        changed.await.unwrap();
    }
}
