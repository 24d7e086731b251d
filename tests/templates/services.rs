//! One service of each layer, calling one another, and one that calls nobody.

use std::path::Path;

use http::StatusCode;
use serde_json::json;
use strata_config::Environment;
use strata_estate::{Estate, Options, Profile, TokenRequest, build};
use strata_tests::Edge;

use super::copy::{Copy, alone, succeeds};

const NEW: [&[&str]; 4] = [
    &["new", "system", "stock-level", "--owner", "warehouse"],
    &[
        "new",
        "process",
        "availability",
        "--calls",
        "stock-level/GetStockLevel",
    ],
    &[
        "new",
        "experience",
        "kiosk",
        "--calls",
        "availability/GetStockLevel,customer-overview/GetOverview",
    ],
    &["new", "process", "ping"],
];

const PACKAGES: [&str; 8] = [
    "proto-system-stock-level",
    "proto-process-availability",
    "proto-experience-kiosk",
    "proto-process-ping",
    "system-stock-level",
    "process-availability",
    "experience-kiosk",
    "process-ping",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_new_service_of_each_layer_needs_no_hand() {
    // Always the same folder, so that only the first run builds everything.
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("templates");
    let _alone = alone(&folder);
    let copy = Copy::at(&folder.join("estate")).await;
    for arguments in NEW {
        succeeds(arguments, &copy.strata(arguments));
    }

    let packages: Vec<&str> = PACKAGES
        .iter()
        .flat_map(|package| ["-p", package])
        .collect();
    let with_packages = |head: &[&'static str], tail: &[&'static str]| -> Vec<&str> {
        [head, &packages, tail].concat()
    };
    copy.cargo(&with_packages(&["fmt", "--check"], &[]));
    copy.cargo(&with_packages(
        &["clippy", "--locked", "--no-deps", "--all-targets"],
        &["--", "-D", "warnings"],
    ));
    copy.cargo(&with_packages(&["test", "--locked"], &[]));
    succeeds(&["check"], &copy.strata(&["check"]));
    answers(&copy).await;
}

/// A signed-in customer reads a record of the new store through all three new services.
async fn answers(copy: &Copy) {
    let workspace = copy.workspace();
    let binaries = build(&workspace, Profile::Debug, |_| {}).await.unwrap();
    let estate = Estate::start(Options {
        workspace: &workspace,
        binaries: &binaries,
        environment: Environment::Dev,
        settings: &[],
        edge_port: None,
        progress: &mut |_| {},
    })
    .await
    .unwrap();
    let token = |scope: &str| {
        let request = TokenRequest {
            username: "cus_000001".to_owned(),
            scope: scope.to_owned(),
            roles: vec!["customer".to_owned()],
            ..TokenRequest::default()
        };
        estate.issuer().token(&request).unwrap()
    };
    let edge = Edge::new(estate.edge_url("kiosk").unwrap(), estate.edge_ca());

    let read = token("stock-level:read");
    let own = edge
        .get("/v1/kiosk/stock-level/rec_000001", &read)
        .await
        .unwrap();
    assert_eq!(own.status, StatusCode::OK, "{own:?}");
    assert_eq!(
        own.body,
        json!({
            "recordId": "rec_000001",
            "ownerId": "cus_000001",
            "region": "uk",
            "tenant": "teahouse",
            "title": "Record 1",
            "createdAt": "2024-01-02T00:00:00+00:00",
        })
    );
    let anothers = edge
        .get("/v1/kiosk/stock-level/rec_000002", &read)
        .await
        .unwrap();
    assert!(anothers.is_problem(StatusCode::NOT_FOUND), "{anothers:?}");
    let unscoped = token("overview:read");
    let unscoped = edge
        .get("/v1/kiosk/stock-level/rec_000001", &unscoped)
        .await
        .unwrap();
    assert!(unscoped.is_problem(StatusCode::FORBIDDEN), "{unscoped:?}");

    // Whose overview is the token's to say: no request names anybody.
    let scopes = token("overview:read orders:read");
    let overview = edge.get("/v1/kiosk/overview", &scopes).await.unwrap();
    assert_eq!(overview.status, StatusCode::OK, "{overview:?}");
    assert_eq!(overview.body["profile"]["customerId"], "cus_000001");
    estate.stop().await;
}
