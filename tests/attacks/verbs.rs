//! What an edge answers that no document offers: other verbs, and what operators and developers know.

use std::{fs, path::Path};

use http::{Method, StatusCode, header::AUTHORIZATION};
use serde_json::Value;
use strata_core::Layer;
use strata_tests::{Answer, Counts, Edge, Rig};

use crate::defined::ROOT;

/// Every verb a client may think of but HEAD, which is GET's (RFC 9110, section 9.3.2), and CONNECT, which
/// names no path.
const VERBS: [&str; 9] = [
    "GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "BREW",
];
/// What a request carries that no answer may repeat.
const SECRET: &str = "what-only-the-client-knows";

/// Served elsewhere, or by others: nowhere at an edge.
const OPERATORS: [&str; 18] = [
    "/metrics",
    "/livez",
    "/readyz",
    "/healthz",
    "/health",
    "/admin",
    "/debug",
    "/debug/pprof/",
    "/actuator",
    "/actuator/env",
    "/server-status",
    "/console",
    "/graphql",
    "/.env",
    "/.git/config",
    "/grpc.health.v1.Health/Check",
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "/system.customers.v1.CustomersService/GetCustomer",
];
const NOWHERE: &str = "/nothing";

/// The Experience APIs, each with the token of somebody who may use it.
fn edges(rig: &Rig) -> [(&'static str, Edge, String); 2] {
    [
        ("storefront", rig.token("cus_000001").unwrap()),
        ("support-desk", rig.agent_token(Some("uk")).unwrap()),
    ]
    .map(|(service, token)| (service, rig.edge(service).unwrap(), token))
}

/// The routes of an Experience API, by its committed documents: path and verbs.
fn routes(service: &str) -> Vec<(String, Vec<String>)> {
    let folder = Path::new(ROOT).join("docs/openapi");
    let mut routes = Vec::new();
    for file in fs::read_dir(folder).unwrap() {
        let file = file.unwrap();
        let name = file.file_name().into_string().unwrap();
        if !name.starts_with(&format!("{service}.")) {
            continue;
        }
        let document: Value = serde_json::from_slice(&fs::read(file.path()).unwrap()).unwrap();
        for (path, verbs) in document["paths"].as_object().unwrap() {
            let path = path.replace("{customerId}", "cus_000001");
            let verbs = verbs.as_object().unwrap().keys();
            routes.push((path, verbs.map(|verb| verb.to_uppercase()).collect()));
        }
    }
    routes
}

async fn ask(edge: &Edge, verb: &str, path: &str, token: Option<&str>) -> Answer {
    let asked = edge.send(path, |request| {
        let request = request.method(Method::from_bytes(verb.as_bytes()).unwrap());
        let request = request.header("x-of-the-client", SECRET);
        match token {
            Some(token) => request.header(AUTHORIZATION, format!("Bearer {token}")),
            None => request,
        }
    });
    asked.await.unwrap()
}

pub(crate) async fn a_verb_that_no_route_has_is_refused(rig: &mut Rig) {
    let behind = rig.estate.service("customer-overview").unwrap().admin;
    let mut found = 0;
    for (service, edge, token) in edges(rig) {
        for (path, offered) in routes(service) {
            found += 1;
            for verb in VERBS {
                let before = Counts::of(behind).await.unwrap().all_requests();
                let answer = ask(&edge, verb, &path, Some(&token)).await;
                let now = Counts::of(behind).await.unwrap().all_requests();
                if offered.iter().any(|offered| offered == verb) {
                    let is_there = answer.status == StatusCode::OK
                        // What it wants in a body is not there.
                        || (verb == "PATCH" && answer.status == StatusCode::UNSUPPORTED_MEDIA_TYPE);
                    assert!(is_there, "{verb} {path}: {answer:?}");
                    continue;
                }
                let refused = answer.is_problem(StatusCode::METHOD_NOT_ALLOWED);
                assert!(refused, "{verb} {path} is not refused: {answer:?}");
                assert_eq!(now, before, "{verb} {path} went further");
                let told = format!("{:?} {}", answer.headers, answer.body);
                assert!(!told.contains(SECRET), "{verb} {path} echoes: {told}");
                // Whoever is not known learns not even that.
                let stranger = ask(&edge, verb, &path, None).await;
                assert!(
                    stranger.is_problem(StatusCode::UNAUTHORIZED),
                    "{verb} {path}"
                );
            }
        }
    }
    let versions = rig.contracts.methods(Layer::Experience, "storefront").len()
        + rig
            .contracts
            .methods(Layer::Experience, "support-desk")
            .len();
    assert_eq!(found, versions, "the documents do not have every method");
}

/// All of an answer that does not tell one request from another.
fn told(answer: Answer) -> (StatusCode, Vec<(String, String)>, Value) {
    let mut body = answer.body;
    body.as_object_mut().unwrap().remove("trace_id");
    let headers = answer.headers.iter();
    let headers = headers.filter(|(name, _)| *name != "date" && *name != "ratelimit");
    let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().into()));
    (answer.status, headers.collect(), body)
}

pub(crate) async fn nothing_for_operators_is_on_an_edge(rig: &mut Rig) {
    for (service, edge, token) in edges(rig) {
        for (token, status) in [
            (Some(token.as_str()), StatusCode::NOT_FOUND),
            (None, StatusCode::UNAUTHORIZED),
        ] {
            for verb in ["GET", "POST"] {
                let nowhere = ask(&edge, verb, NOWHERE, token).await;
                assert!(nowhere.is_problem(status), "{nowhere:?}");
                let nowhere = told(nowhere);
                for path in OPERATORS {
                    let answer = told(ask(&edge, verb, path, token).await);
                    assert_eq!(answer, nowhere, "{service}: {verb} {path}");
                }
            }
        }
        // It is there, where only operators can connect.
        let admin = rig.estate.service(service).unwrap().admin;
        Counts::of(admin).await.unwrap();
    }
}
