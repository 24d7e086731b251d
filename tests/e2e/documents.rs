//! What clients are told of each Experience API, and by whom it may be read.

use http::{Method, StatusCode, header};
use serde_json::Value;
use strata_core::Layer;
use strata_estate::Workspace;
use strata_tests::Rig;

pub(crate) async fn what_is_served_is_what_is_committed(rig: &mut Rig) {
    let workspace = Workspace::find().unwrap();
    let edges = rig.services.iter().map(|service| &service.manifest);
    let edges = edges.filter(|manifest| manifest.layer == Layer::Experience);
    for name in edges.map(|manifest| &manifest.name) {
        let contract = workspace.root().join("proto/experience").join(name);
        let versions = strata_codegen::openapi(&contract).unwrap();
        let newest = versions.last().unwrap().version.clone();
        let mut paths = vec![("/openapi.json".to_owned(), newest)];
        let versions = versions.into_iter().map(|document| document.version);
        paths.extend(versions.map(|version| (format!("/{version}/openapi.json"), version)));
        for (path, version) in paths {
            let file = format!("docs/openapi/{name}.{version}.json");
            let committed = std::fs::read(workspace.root().join(file)).unwrap();
            let committed: Value = serde_json::from_slice(&committed).unwrap();
            // Without a token: who reads it has none yet.
            let edge = rig.edge(name).unwrap();
            let served = edge.send(&path, |request| request).await.unwrap();
            assert_eq!(served.status, StatusCode::OK, "{name}{path}");
            assert_eq!(served.headers[header::CONTENT_TYPE], "application/json");
            assert_eq!(served.body, committed, "{name}{path}");
        }
    }
}

pub(crate) async fn the_page_brings_a_policy_of_its_own(rig: &mut Rig) {
    let edge = rig.edge("storefront").unwrap();
    let (status, headers, page) = edge.text("/docs").await.unwrap();
    assert_eq!(status, StatusCode::OK);
    assert!(page.starts_with("<!doctype html>"));
    let policies: Vec<_> = headers
        .get_all(header::CONTENT_SECURITY_POLICY)
        .iter()
        .map(|policy| policy.to_str().unwrap())
        .collect();
    let [policy] = policies[..] else {
        panic!("{policies:?}")
    };
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"));
    assert!(!policy.contains("unsafe"), "{policy}");
    for (name, value) in [
        (header::STRICT_TRANSPORT_SECURITY, "max-age=31536000"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        assert_eq!(headers[name], value);
    }
    // They are read, and nothing else: what is beside them is asked for a token as ever.
    for path in ["/openapi.json", "/docs"] {
        let post = edge.send(path, |request| request.method(Method::POST));
        let post = post.await.unwrap();
        assert!(post.is_problem(StatusCode::METHOD_NOT_ALLOWED), "{post:?}");
        assert_eq!(post.headers[header::ALLOW], "GET,HEAD");
    }
    for path in ["/docs/", "/openapi.yaml", "/"] {
        let answer = edge.send(path, |request| request).await.unwrap();
        assert!(answer.is_problem(StatusCode::UNAUTHORIZED), "{answer:?}");
    }
}
