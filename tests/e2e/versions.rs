//! Two versions of one API side by side, and how a method ends: first it is told, then it is gone.

use std::{env, process::ExitCode};

use http::{HeaderMap, StatusCode};
use proto_experience_storefront::{StorefrontContract, v1};
use strata_core::{Call, Error};
use strata_rest::{BodyBinding, Deprecation, Route, Routes, Sunset, Verb};
use strata_service::{App, BuildError, Ctx, Service};
use strata_tests::Rig;

use crate::{ORDERS, OVERVIEW};

/// The orders in version 2.
pub(crate) const ORDERS_V2: &str = "/v2/me/orders";

/// The program is a storefront one of whose methods is past its sunset, when it is none of tests. How
/// often it serves its one version: `once` or `twice`.
const PROGRAM: &str = "E2E_PAST_SUNSET";
const PATHS: [&str; 2] = ["/v1/over", "/v1/ending"];

/// A method that ends at `sunset`.
const fn route(template: &'static str, sunset: i64) -> Route {
    Route {
        verb: Verb::Get,
        template,
        method: v1::GET_MY_OVERVIEW,
        path: &[],
        query: &[],
        body: BodyBinding::None,
        fields: &[],
        deprecation: Some(Deprecation {
            header: "@1",
            sunset: Some(Sunset {
                at: sunset,
                header: "Thu, 01 Jan 1970 00:00:02 GMT",
            }),
        }),
    }
}

static OVER: Route = route(PATHS[0], 2);
static ENDING: Route = route(PATHS[1], i64::MAX);

/// Runs the service this program was started as, if it was.
pub(crate) fn run() -> Option<ExitCode> {
    let twice = env::var_os(PROGRAM)? == "twice";
    let answer = |_: Call, _: v1::GetMyOverviewRequest| async {
        Ok::<_, Error>(v1::GetMyOverviewResponse::default())
    };
    let build = move |_: Ctx<_>| async move {
        let routes = Routes::<StorefrontContract>::new(1, "{}");
        let mut routes = routes.route(&OVER, answer).route(&ENDING, answer);
        if twice {
            routes = routes.merge(Routes::new(1, "{}"));
        }
        Ok::<_, BuildError>(Service::edge(routes))
    };
    let manifest = include_str!("../../experience-api/storefront/service.toml");
    Some(App::new(manifest, build).run())
}

fn told(headers: &HeaderMap) -> [Option<&str>; 2] {
    ["deprecation", "sunset"].map(|name| Some(headers.get(name)?.to_str().unwrap()))
}

pub(crate) async fn two_versions_are_served_side_by_side(rig: &mut Rig) {
    let edge = rig.edge("storefront").unwrap();
    let token = rig.token("cus_000001").unwrap();
    let old = edge.get(ORDERS, &token).await.unwrap();
    let new = edge.get(ORDERS_V2, &token).await.unwrap();
    assert_eq!((old.status, new.status), (StatusCode::OK, StatusCode::OK));
    let [old, new] = [old, new].map(|answer| answer.body["orders"].as_array().unwrap().clone());
    assert!(!old.is_empty());
    assert_eq!(old.len(), new.len());
    for (old, new) in old.iter().zip(&new) {
        assert_eq!(old["orderId"], new["orderId"]);
        assert_eq!(old["status"], new["status"]);
        assert_eq!(old["totalMinor"], new["total"]["minor"]);
        assert_eq!(old["currency"], new["total"]["currency"]);
        assert!(new.get("lines").is_none());
    }
    for path in [
        "/v3/me/orders",
        "/v2/me/overview",
        "/me/orders",
        "/v01/me/orders",
    ] {
        let unknown = edge.get(path, &token).await.unwrap();
        assert!(
            unknown.is_problem(StatusCode::NOT_FOUND),
            "{path}: {unknown:?}"
        );
        assert_eq!(told(&unknown.headers), [None, None], "{path}");
    }
}

pub(crate) async fn a_deprecated_method_says_when_it_ends(rig: &mut Rig) {
    let edge = rig.edge("storefront").unwrap();
    let dates = [Some("@1790812800"), Some("Wed, 01 Oct 2031 00:00:00 GMT")];
    let token = rig.token("cus_000001").unwrap();
    let unscoped = rig.token_with("cus_000001", &["overview:read".to_owned()].into());
    let unscoped = unscoped.unwrap();
    for (path, token, status, expected) in [
        (ORDERS, &token, StatusCode::OK, dates),
        (ORDERS, &unscoped, StatusCode::FORBIDDEN, dates),
        (
            "/v1/me/orders?pageSize=x",
            &token,
            StatusCode::BAD_REQUEST,
            dates,
        ),
        (ORDERS_V2, &token, StatusCode::OK, [None, None]),
        (ORDERS_V2, &unscoped, StatusCode::FORBIDDEN, [None, None]),
        (OVERVIEW, &token, StatusCode::OK, [None, None]),
    ] {
        let answer = edge.get(path, token).await.unwrap();
        assert_eq!(answer.status, status, "{path}");
        assert_eq!(told(&answer.headers), expected, "{path} {status}");
    }
    // Nobody without a token learns what there is.
    let stranger = edge.get(ORDERS, "none").await.unwrap();
    assert!(
        stranger.is_problem(StatusCode::UNAUTHORIZED),
        "{stranger:?}"
    );
    assert_eq!(told(&stranger.headers), [None, None]);
}

pub(crate) async fn a_method_past_its_sunset_is_gone(rig: &mut Rig) {
    let program = env::current_exe().unwrap();
    let launch = rig.another("storefront").unwrap();
    let launch = launch.binary(&program).set(PROGRAM, "once");
    let instance = launch.start().await.unwrap();
    let edge = rig.edge("storefront").unwrap().at(instance.address);
    let token = rig.token("cus_000001").unwrap();
    let unscoped = rig.token_with("cus_000001", &["orders:read".to_owned()].into());
    let unscoped = unscoped.unwrap();
    let [over, ending] = PATHS;

    let served = edge.get(ending, &token).await.unwrap();
    assert_eq!(served.status, StatusCode::OK, "{served:?}");
    let refused = edge.get(ending, &unscoped).await.unwrap();
    assert!(refused.is_problem(StatusCode::FORBIDDEN), "{refused:?}");
    for token in [&token, &unscoped] {
        let gone = edge.get(over, token).await.unwrap();
        assert!(gone.is_problem(StatusCode::GONE), "{gone:?}");
        assert_eq!(gone.body["code"], "GONE");
        let dates = [Some("@1"), Some("Thu, 01 Jan 1970 00:00:02 GMT")];
        assert_eq!(told(&gone.headers), dates);
    }
    let stranger = edge.get(over, "none").await.unwrap();
    assert!(
        stranger.is_problem(StatusCode::UNAUTHORIZED),
        "{stranger:?}"
    );
}

pub(crate) async fn a_version_that_is_served_twice_stops_the_start(rig: &mut Rig) {
    let launch = |times: &str| {
        let launch = rig.another("storefront").unwrap();
        launch
            .binary(&env::current_exe().unwrap())
            .set(PROGRAM, times)
    };
    launch("once").start().await.unwrap();
    let ended = launch("twice").run().await.unwrap();
    assert!(!ended.status.success());
    let said = "the routes are of versions 1, 1: merge each version once, oldest first";
    assert!(ended.stderr.contains(said), "{}", ended.stderr);
}
