//! What answers besides the routes of the contract.

use anyhow::Result;
use http::{Method, StatusCode, header::AUTHORIZATION};

use crate::attack::{
    probe::{Family, Probe, Severity, Verdict},
    scene::{Answer, Scene, bearer},
};

pub(super) const FAMILY: Family = Family {
    name: "surface",
    at_once: false,
    probes: &[
        Probe {
            id: "surface.verbs",
            name: "methods that a route does not have, TRACE among them",
            severity: Severity::Low,
            rows: &["Z8", "API8"],
            shows: "a route answers a method that its contract does not have",
            remedy: "route declared methods alone, and answer 405 for the others",
            run: |scene| Box::pin(verbs(scene)),
        },
        Probe {
            id: "surface.routes",
            name: "paths and versions that the contract does not have",
            severity: Severity::Medium,
            rows: &["Z10", "API9"],
            shows: "something is served that no document tells of",
            remedy: "serve the routes of the contract alone; what has ended is 404 or 410",
            run: |scene| Box::pin(routes(scene)),
        },
        Probe {
            id: "surface.inside",
            name: "health, metrics, reflection, consoles and files",
            severity: Severity::Medium,
            rows: &["C4", "API9"],
            shows: "what is for operators is served to everybody",
            remedy: "keep it on the admin listener, and that within the network",
            run: |scene| Box::pin(inside(scene)),
        },
        Probe {
            id: "surface.documents",
            name: "API documents in production",
            severity: Severity::Low,
            rows: &["C4", "API9"],
            shows: "anybody is told what the API offers",
            remedy: "run with STRATA_ENV=prod, which serves no documents",
            run: |scene| Box::pin(documents(scene)),
        },
        Probe {
            id: "surface.banner",
            name: "names and versions of what serves",
            severity: Severity::Low,
            rows: &["S4", "API8"],
            shows: "an answer says what software it is from",
            remedy: "remove the header where it is added, most likely in a proxy",
            run: |scene| Box::pin(banner(scene)),
        },
    ],
};

const VERBS: [&str; 7] = [
    "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "BREW",
];

const INSIDE: [&str; 20] = [
    "/metrics",
    "/livez",
    "/readyz",
    "/healthz",
    "/health",
    "/status",
    "/debug/pprof/",
    "/debug/vars",
    "/actuator",
    "/actuator/env",
    "/grpc.health.v1.Health/Check",
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "/graphql",
    "/admin",
    "/console",
    "/swagger-ui/",
    "/server-status",
    "/.env",
    "/.git/config",
    "/.well-known/openid-configuration",
];

/// Headers by which servers and frameworks introduce themselves.
const BANNERS: [&str; 6] = [
    "server",
    "x-powered-by",
    "x-aspnet-version",
    "x-generator",
    "x-runtime",
    "via",
];

async fn verbs(scene: &Scene) -> Result<Verdict> {
    let (route, _) = scene.honest().await?;
    let declared = scene.contract.methods(&route.path);
    let bearer = bearer(scene.accounts.a.token());
    for verb in VERBS.into_iter().filter(|verb| !declared.contains(verb)) {
        let method = Method::from_bytes(verb.as_bytes())?;
        let headers = [(AUTHORIZATION.as_str(), bearer.as_str())];
        let answer = scene.send(&method, &route.path, &headers, "").await?;
        let refused = [StatusCode::METHOD_NOT_ALLOWED, StatusCode::NOT_IMPLEMENTED];
        if !refused.contains(&answer.status) {
            return Ok(Verdict::Found(format!(
                "{verb} {} answers {}",
                route.path, answer.status
            )));
        }
    }
    Ok(Verdict::Passed)
}

async fn routes(scene: &Scene) -> Result<Verdict> {
    let (route, _) = scene.honest().await?;
    let mut versions = scene.contract.versions.iter();
    let version = versions.find(|name| route.path.starts_with(&format!("/{name}/")));
    let other = |name: &str| {
        let version = version.map_or("v1", String::as_str);
        route.path.replacen(version, name, 1)
    };
    let longer = [
        scene.nowhere().to_owned(),
        format!("{}/", route.path),
        format!("{}/more", route.path),
        format!("/{}", route.path),
        route.path.to_uppercase(),
        other("v0"),
        other("v99"),
        other("beta"),
        other("internal"),
    ];
    for path in longer {
        if scene.contract.routes.iter().any(|route| route.path == path) {
            continue;
        }
        let answer = scene.get(&path).await?;
        let gone = [StatusCode::NOT_FOUND, StatusCode::GONE];
        if !gone.contains(&answer.status) {
            return Ok(Verdict::Found(format!(
                "GET {path} answers {}",
                answer.status
            )));
        }
    }
    Ok(Verdict::Passed)
}

async fn inside(scene: &Scene) -> Result<Verdict> {
    served(scene, &INSIDE.map(str::to_owned)).await
}

async fn documents(scene: &Scene) -> Result<Verdict> {
    if scene.environment.serves_api_documents() {
        return Ok(Verdict::NotApplicable("this environment may serve them"));
    }
    let mut paths = vec!["/docs".to_owned(), "/openapi.json".to_owned()];
    for version in &scene.contract.versions {
        paths.extend([
            format!("/{version}/docs"),
            format!("/{version}/openapi.json"),
        ]);
    }
    served(scene, &paths).await
}

/// The first of these that somebody gets, without a token or with one.
async fn served(scene: &Scene, paths: &[String]) -> Result<Verdict> {
    for path in paths {
        for answer in [scene.get_with(path, &[]).await?, scene.get(path).await?] {
            if answer.status.is_success() || answer.status.is_redirection() {
                return Ok(Verdict::Found(format!(
                    "GET {path} answers {}",
                    answer.status
                )));
            }
        }
    }
    Ok(Verdict::Passed)
}

async fn banner(scene: &Scene) -> Result<Verdict> {
    let (route, honest) = scene.honest().await?;
    let refused = scene.get_with(&route.path, &[]).await?;
    let nowhere = scene.get(scene.nowhere()).await?;
    let says = |answer: &Answer| {
        let found = BANNERS
            .iter()
            .find_map(|name| Some((*name, answer.header(name)?)));
        found.map(|(name, value)| format!("{name}: {value}"))
    };
    Ok(Verdict::unless(
        [honest, refused, nowhere].iter().find_map(says),
    ))
}
