//! What a consumer and a user may take of an Experience API, with one process and with two.

use std::{fs, net::TcpListener, path::Path};

use http::{Method, StatusCode, header};
use strata_tests::{Counts, Edge, Instance, Rig, programs::redis};
use tempfile::TempDir;

use crate::{OVERVIEW, folder::copy_of};

/// Costs nobody anything, and counts.
const NOWHERE: &str = "/nowhere";

/// Each request has a connection of its own, which takes a while where nothing is optimised.
const QUOTA: u32 = if cfg!(debug_assertions) {
    2_000
} else {
    10_000
};

/// Changes a file of a folder's policy.
pub(crate) fn change(folder: &Path, file: &str, from: &str, to: &str) {
    let file = folder.join("policy").join(file);
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(file, text.replace(from, to)).unwrap();
}

pub(crate) async fn a_consumer_is_told_what_is_left(rig: &mut Rig) {
    let folder = copy_of(rig, "storefront");
    let plan = "requests = 10000000, per = \"1day\"";
    change(
        folder.path(),
        "plans.toml",
        plan,
        "requests = 2, per = \"1h\"",
    );
    let launch = rig.another("storefront").unwrap().folder(folder.path());
    let instance = launch.start().await.unwrap();
    let edge = rig.edge("storefront").unwrap().at(instance.address);
    let token = rig.token("cus_000001").unwrap();
    for left in ["\"quota\";r=1;", "\"quota\";r=0;"] {
        let answer = edge.get(OVERVIEW, &token).await.unwrap();
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        let told = answer.headers["ratelimit"].to_str().unwrap();
        assert!(told.starts_with(left), "{told}");
    }
    let refused = edge.get(OVERVIEW, &token).await.unwrap();
    assert!(
        refused.is_problem(StatusCode::TOO_MANY_REQUESTS),
        "a third request of two: {refused:?}"
    );
    assert_eq!(refused.body["code"], "RESOURCE_EXHAUSTED");
    let wait = refused.headers[header::RETRY_AFTER].to_str().unwrap();
    assert!(wait.parse::<u64>().unwrap() > 3_000, "{wait}");
    let counts = Counts::of(instance.admin).await.unwrap();
    assert_eq!(counts.events("rate_limited", "quota"), 1);
}

pub(crate) async fn a_user_who_asks_too_often_is_refused_and_others_are_not(rig: &mut Rig) {
    let instance = rig
        .another("storefront")
        .unwrap()
        .set("STRATA_LIMITS__USER__REQUESTS", "3")
        .set("STRATA_LIMITS__USER__PER", "1h")
        .start()
        .await
        .unwrap();
    let edge = rig.edge("storefront").unwrap().at(instance.address);
    let token = rig.token("cus_000001").unwrap();
    for _ in 0..3 {
        let answer = edge.get(OVERVIEW, &token).await.unwrap();
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    }
    let refused = edge.get(OVERVIEW, &token).await.unwrap();
    assert!(
        refused.is_problem(StatusCode::TOO_MANY_REQUESTS),
        "a fourth request of a user: {refused:?}"
    );
    assert!(refused.headers.contains_key(header::RETRY_AFTER));
    let other = rig.token("cus_000002").unwrap();
    let answer = edge.get(OVERVIEW, &other).await.unwrap();
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert!(
        !instance.log().contains("cus_000001"),
        "a limit names a user"
    );
}

/// Two edges over one Redis, with a quota that a test can use up.
struct Pair {
    instances: Vec<Instance>,
    edges: Vec<Edge>,
    token: String,
    _folder: TempDir,
}

impl Pair {
    async fn start(rig: &Rig, port: u16) -> Self {
        let folder = copy_of(rig, "storefront");
        let plan = "requests = 10000000, per = \"1day\"";
        let quota = format!("requests = {QUOTA}, per = \"1h\"");
        change(folder.path(), "plans.toml", plan, &quota);
        change(
            folder.path(),
            "plans.toml",
            "requests = 50000",
            "requests = 1000000",
        );
        let (mut instances, mut edges) = (Vec::new(), Vec::new());
        for _ in 0..2 {
            let launch = rig.another("storefront").unwrap().folder(folder.path());
            let launch = launch
                .set("STRATA_LIMITS__USER__REQUESTS", "1000000")
                .set("STRATA_LIMITS__USER__PER", "10s")
                .set("STRATA_LIMITS__HANDSHAKES_PER_ADDRESS", "1000000")
                .set(
                    "STRATA_LIMITS__REDIS__URL",
                    format!("redis://127.0.0.1:{port}"),
                )
                .set("STRATA_LIMITS__REDIS__SHARE", "0.1");
            let instance = launch.start().await.unwrap();
            edges.push(rig.edge("storefront").unwrap().at(instance.address));
            instances.push(instance);
        }
        let token = rig.token("cus_000001").unwrap();
        Self {
            instances,
            edges,
            token,
            _folder: folder,
        }
    }

    /// So many requests at each in turn, and how many were not refused for want of quota.
    async fn ask(&self, rounds: u32) -> u32 {
        let mut counted = 0;
        for _ in 0..rounds {
            for edge in &self.edges {
                let answer = edge.get(NOWHERE, &self.token).await.unwrap();
                match answer.status {
                    StatusCode::NOT_FOUND => counted += 1,
                    StatusCode::TOO_MANY_REQUESTS => {}
                    _ => panic!("{answer:?}"),
                }
            }
        }
        counted
    }
}

fn free_port() -> u16 {
    let any = TcpListener::bind("127.0.0.1:0").unwrap();
    any.local_addr().unwrap().port()
}

pub(crate) async fn two_edges_share_a_quota(rig: &mut Rig) {
    let port = free_port();
    let Some(_redis) = redis(port).await.unwrap() else {
        return;
    };
    let pair = Pair::start(rig, port).await;
    let counted = pair.ask(QUOTA / 2 + 100).await;
    assert!((QUOTA * 98 / 100..=QUOTA).contains(&counted), "{counted}");
}

pub(crate) async fn without_redis_a_quota_is_smaller_and_nothing_fails(rig: &mut Rig) {
    let port = free_port();
    let Some(mut server) = redis(port).await.unwrap() else {
        return;
    };
    let pair = Pair::start(rig, port).await;
    assert_eq!(pair.ask(100).await, 200);
    server.kill().await.unwrap();
    // What each has leased already, and a tenth of the quota each.
    let counted = pair.ask(400).await;
    assert!((200..=400 + 40).contains(&counted), "{counted}");
    for instance in &pair.instances {
        let counts = Counts::of(instance.admin).await.unwrap();
        assert_eq!(counts.events("limits_unshared", "redis_away"), 1);
    }
}

pub(crate) async fn a_consumer_without_a_plan_stops_the_start(rig: &mut Rig) {
    for (file, from, to, place) in [
        (
            "consumers.toml",
            "plan = \"standard\"",
            "plan = \"gold\"",
            "policy/consumers.toml:7",
        ),
        (
            "plans.toml",
            "requests = 50000",
            "requests = 0",
            "policy/plans.toml:6",
        ),
    ] {
        let folder = copy_of(rig, "storefront");
        change(folder.path(), file, from, to);
        let launch = rig.another("storefront").unwrap();
        let ended = launch.folder(folder.path()).run().await.unwrap();
        assert!(!ended.status.success());
        assert!(ended.stderr.contains(place), "{}", ended.stderr);
    }
}

pub(crate) async fn scripts_of_other_origins_read_nothing(rig: &mut Rig) {
    const LISTED: &str = "https://app.example";
    let launch = rig.another("storefront").unwrap();
    let launch = launch.set("STRATA_CORS__ORIGINS", format!("[\"{LISTED}\"]"));
    let listing = launch.start().await.unwrap();
    let strict = rig.edge("storefront").unwrap();
    let listing = strict.at(listing.address);
    let bearer = format!("Bearer {}", rig.token("cus_000001").unwrap());
    for (edge, origin, allowed) in [
        (&listing, LISTED, true),
        (&listing, "https://app.example.evil", false),
        (&listing, "null", false),
        (&strict, LISTED, false),
    ] {
        let answer = edge.send(OVERVIEW, |request| {
            let request = request.header(header::ORIGIN, origin);
            request.header(header::AUTHORIZATION, &bearer)
        });
        let answer = answer.await.unwrap();
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        let told = answer.headers.get(header::ACCESS_CONTROL_ALLOW_ORIGIN);
        assert_eq!(told.is_some(), allowed, "{origin}");
        assert!(told.is_none_or(|told| told == origin));
    }
    // Nobody is told without being asked the right way, either.
    let preflight = strict.send(OVERVIEW, |request| {
        request
            .method(Method::OPTIONS)
            .header(header::ORIGIN, LISTED)
    });
    assert!(
        preflight
            .await
            .unwrap()
            .is_problem(StatusCode::UNAUTHORIZED)
    );
}
