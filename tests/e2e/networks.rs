//! Lists of networks, as a running service takes them over.

use std::{fs, path::Path};

use http::StatusCode;
use strata_tests::{Counts, Rig, eventually};

use crate::{OVERVIEW, folder::copy_of};

use super::PATIENCE;

fn write(folder: &Path, lists: &str) {
    fs::write(folder.join("policy/networks.toml"), lists).unwrap();
}

fn lists(allow: &str, block: &str) -> String {
    let admin = "[admin]\nallow = ['127.0.0.0/8']\n";
    format!("[listen]\nallow = [{allow}]\nblock = [{block}]\n{admin}")
}

pub(crate) async fn a_list_that_changes_is_in_force_at_once(rig: &mut Rig) {
    let folder = copy_of(rig, "storefront");
    write(folder.path(), &lists("'127.0.0.0/8'", ""));
    let launch = rig.another("storefront").unwrap().folder(folder.path());
    let instance = launch.start().await.unwrap();
    let edge = rig.edge("storefront").unwrap().at(instance.address);
    let token = rig.token("cus_000001").unwrap();
    let answers = async || {
        let answer = edge.get(OVERVIEW, &token).await;
        Ok(answer.is_ok_and(|answer| answer.status == StatusCode::OK))
    };
    assert!(answers().await.unwrap());

    write(folder.path(), &lists("'127.0.0.0/8'", "'127.0.0.1/32'"));
    let refused = eventually(PATIENCE, async || Ok(!answers().await?)).await;
    assert!(refused.is_ok(), "a network that is blocked is answered");
    let counts = Counts::of(instance.admin).await.unwrap();
    assert!(counts.events("peer_refused", "blocked_network") > 0);

    // A mistake opens nothing, and says where it is.
    write(folder.path(), &lists("'127.0.0.1/8'", ""));
    let named = async || Ok(instance.log().contains("networks.toml:2"));
    eventually(PATIENCE, named).await.unwrap();
    let counts = Counts::of(instance.admin).await.unwrap();
    assert!(counts.events("policy_rejected", "invalid_networks") > 0);
    assert!(!answers().await.unwrap());

    write(folder.path(), &lists("'127.0.0.0/8'", ""));
    eventually(PATIENCE, answers).await.unwrap();
}

pub(crate) async fn a_list_with_a_mistake_stops_the_start(rig: &mut Rig) {
    let folder = copy_of(rig, "customer-overview");
    write(folder.path(), &lists("'127.0.0.0/8'", "'10.0.0.1/8'"));
    let launch = rig.another("customer-overview").unwrap();
    let ended = launch.folder(folder.path()).run().await.unwrap();
    assert!(!ended.status.success());
    let said = &ended.stderr;
    assert!(
        said.contains("policy/networks.toml:3") && said.contains("host bits"),
        "{said}"
    );
    fs::remove_file(folder.path().join("policy/networks.toml")).unwrap();
    let launch = rig.another("customer-overview").unwrap();
    let ended = launch.folder(folder.path()).run().await.unwrap();
    assert!(!ended.status.success());
    assert!(
        ended.stderr.contains("policy/networks.toml"),
        "{}",
        ended.stderr
    );
}
