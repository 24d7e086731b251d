//! Sorted by action and principal, policies decide as Cedar does over all of them.

use std::{iter, path::Path};

use cedar_policy::{Context, RestrictedExpression};
use strata_core::{Authentication, Clearance, Principal};

use super::*;
use crate::{
    entities::Types,
    load::{self, Source},
};

const SCHEMA: &str = "entity Role; entity User in [Role] = { scopes: Set<String>, region?: String, tenant?: String };\n\
    entity Workload; entity Api; type Context = { environment: String };\n\
    action \"Get\" appliesTo { principal: [User], resource: [Api], context: Context };\n\
    action \"Sweep\" appliesTo { principal: [Workload], resource: [Api], context: Context };\n";

const HEADS: [&str; 6] = [
    "principal",
    "principal is User",
    "principal is Workload",
    "principal == User::\"u1\"",
    "principal in Role::\"r1\"",
    "principal is User in Role::\"r2\"",
];
const ACTIONS: [&str; 3] = [
    "action",
    "action == Action::\"Get\"",
    "action in [Action::\"Sweep\", Action::\"Get\"]",
];
const CONDITIONS: [&str; 3] = [
    "",
    " when { context.environment == \"dev\" }",
    " unless { context.environment == \"dev\" }",
];

/// Every policy of one effect.
fn policies(effect: &str) -> Vec<String> {
    let conditions = |head, action| {
        let each = CONDITIONS.iter();
        each.map(move |condition| format!("{effect} ({head}, {action}, resource){condition};"))
    };
    let actions = |head| {
        ACTIONS
            .iter()
            .flat_map(move |action| conditions(head, action))
    };
    HEADS.iter().flat_map(actions).collect()
}

fn user(subject: &str, roles: &[&str]) -> Principal {
    Principal {
        subject: subject.to_owned(),
        roles: roles.iter().map(|&role| role.to_owned()).collect(),
        scopes: Vec::new(),
        region: None,
        tenant: None,
        clearance: Clearance::default(),
        authentication: Authentication::default(),
    }
}

#[test]
fn a_slice_decides_as_the_whole_set_does() {
    let schema = load::schema(SCHEMA, Path::new("")).unwrap();
    let (types, authorizer) = (Types::new().unwrap(), Authorizer::new());
    let users = [
        user("u1", &["r1"]),
        user("u2", &["r2", "r1"]),
        user("u3", &[]),
    ];
    let (mut permitted, mut refused) = (0, 0);
    // A prime step: over the pairs of a permit and a forbid, each kind meets each other.
    let permits = policies("permit");
    let pairs = permits.iter().flat_map(|permit| {
        let forbids = policies("forbid").into_iter();
        forbids.map(move |forbid| format!("@id(\"p\") {permit}\n@id(\"f\") {forbid}\n"))
    });
    for text in pairs.step_by(13) {
        let source = Source {
            file: Path::new("x.cedar").into(),
            text: text.clone(),
        };
        let (placed, findings) = load::policies(&[source], &schema, "shelf");
        // A policy that can never apply is refused before.
        if !findings.is_empty() {
            continue;
        }
        let whole: PolicySet = text.parse().unwrap();
        let slices = slices(&schema, &placed).unwrap();
        let mut slices = slices.iter();
        let slice = slices.find(|slice| slice.action.id().unescaped() == "Get");
        let slice = slice.unwrap();
        for user in &users {
            let roles: Vec<_> = user.roles.iter().map(|role| types.role(role)).collect();
            let entity = types.user_entity(user, &roles).unwrap();
            let (principal, entities) = (entity.uid(), Entities::from_entities([entity], None));
            let environment = RestrictedExpression::new_string("dev".to_owned());
            let context = Context::from_pairs(iter::once(("environment".to_owned(), environment)));
            let request = Request::new(
                principal.clone(),
                slice.action.clone(),
                types.api("shelf"),
                context.unwrap(),
                None,
            );
            let (request, entities) = (request.unwrap(), entities.unwrap());
            let expected = authorizer.is_authorized(&request, &whole, &entities);
            let expected = expected.decision() == Decision::Allow;
            let got = slice.decide(&authorizer, &request, &principal, roles.iter(), &entities);
            assert_eq!(got.is_ok(), expected, "{text} {user:?}");
            *(if expected {
                &mut permitted
            } else {
                &mut refused
            }) += 1;
        }
    }
    assert!(permitted > 50 && refused > 50, "{permitted} {refused}");
}
