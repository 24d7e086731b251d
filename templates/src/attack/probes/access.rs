//! What a user must not reach: routes without the scope, and other users' things.

use std::collections::BTreeMap;

use anyhow::Result;
use http::{
    StatusCode,
    header::{AUTHORIZATION, CONTENT_TYPE},
};
use serde_json::Value;
use strata_estate::abuse::Held;

use crate::attack::{
    contract::Route,
    probe::{Family, Probe, Severity, Verdict},
    scene::{Scene, bearer},
};

pub(super) const FAMILY: Family = Family {
    name: "access",
    at_once: false,
    probes: &[
        Probe {
            id: "access.scope",
            name: "a user without the scope, on each route",
            severity: Severity::High,
            rows: &["Z2", "API5"],
            shows: "a token is answered where it lacks a scope that the contract asks for",
            remedy: "let ScopeLayer ask for every scope of the method, at the edge and at each hop",
            run: |scene| Box::pin(scope(scene)),
        },
        Probe {
            id: "access.object",
            name: "another user's things, by their ids",
            severity: Severity::Critical,
            rows: &["Z1", "API1"],
            shows: "whoever knows or guesses an id learns of what is another user's",
            remedy: "open objects through Unchecked::open alone, and answer others' as missing ones",
            run: |scene| Box::pin(object(scene)),
        },
        Probe {
            id: "access.claimed",
            name: "headers that say who the user is",
            severity: Severity::Critical,
            rows: &["L5", "API2"],
            shows: "a header from outside says who somebody is",
            remedy: "strip what speaks of identities before anything reads it: StripLayer",
            run: |scene| Box::pin(claimed(scene)),
        },
    ],
};

/// What proxies and services call the user, among themselves.
const CLAIMS: [&str; 10] = [
    "x-user",
    "x-user-id",
    "x-authenticated-user",
    "x-forwarded-user",
    "x-remote-user",
    "x-roles",
    "x-scopes",
    "strata-principal",
    "strata-scopes",
    "strata-tenant",
];

async fn scope(scene: &Scene) -> Result<Verdict> {
    let accounts = &scene.accounts;
    let narrow = accounts.narrow.as_ref().unwrap_or(&accounts.b);
    let held = narrow.scopes();
    let mut tried = 0;
    for route in &scene.contract.routes {
        if route
            .scopes
            .iter()
            .all(|scope| held.contains(scope.as_str()))
        {
            continue;
        }
        tried += 1;
        let bearer = bearer(narrow.token());
        let mut headers = vec![(AUTHORIZATION.as_str(), bearer.as_str())];
        headers.extend(
            route
                .body
                .is_some()
                .then_some((CONTENT_TYPE.as_str(), "application/json")),
        );
        let body = if route.body.is_some() { "{}" } else { "" };
        let path = route.path.replace(['{', '}'], "");
        let answer = scene.send(&route.method, &path, &headers, body).await?;
        if answer.status != StatusCode::FORBIDDEN {
            return Ok(Verdict::Found(format!(
                "{} {} answers {} without its scopes",
                route.method, route.path, answer.status
            )));
        }
    }
    Ok(match tried {
        0 => Verdict::Inconclusive(
            "the second account has every scope: give a token that lacks some with --token-narrow"
                .to_owned(),
        ),
        _ => Verdict::Passed,
    })
}

async fn object(scene: &Scene) -> Result<Verdict> {
    let routes = scene.contract.reads();
    let routes: Vec<_> = routes.filter(|route| !route.ids.is_empty()).collect();
    if routes.is_empty() {
        return Ok(Verdict::NotApplicable(
            "no route asks for anything by an id",
        ));
    }
    let b = &scene.accounts.b;
    let mut theirs = listed(scene, b, &routes).await?;
    theirs.extend(scene.accounts.ids.clone());
    let mut tried = 0;
    for route in routes {
        let missing = theirs.iter().map(|(name, id)| (name.clone(), like(id)));
        let missing = route.at(&missing.collect());
        let (Some(theirs), Some(missing)) = (route.at(&theirs), missing) else {
            continue;
        };
        let honest = scene.get_as(b, &theirs, &[]).await?;
        let absent = scene.get_as(b, &missing, &[]).await?;
        if honest.status != StatusCode::OK || absent.status != StatusCode::NOT_FOUND {
            continue;
        }
        tried += 1;
        let [reached, missed] = [
            scene.get(&theirs).await?.told(),
            scene.get(&missing).await?.told(),
        ];
        if reached.0 == StatusCode::OK {
            return Ok(Verdict::Found(format!(
                "the first account reads the second's at GET {}",
                route.path
            )));
        }
        if reached != missed {
            return Ok(Verdict::Found(format!(
                "GET {} tells the second account's ({}) from a missing one ({})",
                route.path, reached.0, missed.0
            )));
        }
    }
    Ok(match tried {
        0 => Verdict::Inconclusive(
            "no id of the second account's is known: give one with --object NAME=ID".to_owned(),
        ),
        _ => Verdict::Passed,
    })
}

/// Ids by the names they have in paths, as the lists of a user show them.
async fn listed(scene: &Scene, user: &Held, routes: &[&Route]) -> Result<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    for list in scene.contract.reads().filter(|route| route.ids.is_empty()) {
        let answer = scene.get_as(user, &list.path, &[]).await?;
        let Some(body) = answer.json().filter(|_| answer.status == StatusCode::OK) else {
            continue;
        };
        for name in routes.iter().flat_map(|route| &route.ids) {
            if let Some(id) = member(&body, name) {
                found.entry(name.clone()).or_insert(id);
            }
        }
    }
    Ok(found)
}

/// The first text by a name, at whatever depth.
fn member(value: &Value, name: &str) -> Option<String> {
    match value {
        Value::Object(members) => match members.get(name).and_then(Value::as_str) {
            Some(id) => Some(id.to_owned()),
            None => members.values().find_map(|value| member(value, name)),
        },
        Value::Array(items) => items.iter().find_map(|item| member(item, name)),
        _ => None,
    }
}

/// An id of the same form that is nobody's.
fn like(id: &str) -> String {
    let nines = |at: char| if at.is_ascii_digit() { '9' } else { at };
    id.chars().map(nines).collect()
}

async fn claimed(scene: &Scene) -> Result<Verdict> {
    let (route, honest) = scene.honest().await?;
    let (_, again) = scene.honest().await?;
    let certificate = "Hash=00;Subject=\"CN=admin\";URI=spiffe://admin";
    let mut claims: Vec<(&str, &str)> = CLAIMS.iter().map(|name| (*name, "admin")).collect();
    claims.push(("x-forwarded-client-cert", certificate));
    claims.push(("txn-token", scene.accounts.b.token()));
    let answer = scene.get_with(&route.path, &claims).await?;
    if answer.status != StatusCode::UNAUTHORIZED {
        return Ok(Verdict::Found(format!(
            "GET {} answers {} for headers that name a user",
            route.path, answer.status
        )));
    }
    if honest.content() != again.content() {
        let why = format!("GET {} answers differently each time", route.path);
        return Ok(Verdict::Inconclusive(why));
    }
    let answer = scene
        .get_as(&scene.accounts.a, &route.path, &claims)
        .await?;
    let changed = answer.content() != honest.content();
    Ok(Verdict::unless(changed.then(|| {
        format!(
            "GET {} answers otherwise for headers that name a user",
            route.path
        )
    })))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn ids_are_found_by_their_names_and_missing_ones_are_like_them() {
        let body = json!({ "customers": [{ "region": "uk" }, { "customerId": "cus_000005" }] });
        assert_eq!(member(&body, "customerId").as_deref(), Some("cus_000005"));
        assert_eq!(member(&body, "orderId"), None);
        assert_eq!(like("cus_000005"), "cus_999999");
    }
}
