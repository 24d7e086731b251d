//! What `cargo strata check` finds in policies: all that stops a service, and what a reviewer asks.

use std::path::Path;

use cedar_policy::{ActionConstraint, Effect, PrincipalConstraint, ResourceConstraint};
use time::{
    Date, OffsetDateTime, format_description::BorrowedFormatItem, macros::format_description,
};

use crate::{
    error::{Finding, GuardError},
    load::{self, Placed},
    policies::Policies,
};

/// A date of ISO 8601.
const DATE: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");

/// Everything that is wrong with the policies in `folder`, those of `service`, whose contract has
/// `schema`: what stops the service, then
///
/// - `BLANKET`: a `permit` that does not say for whom, what or on what;
/// - a policy whose `@review` is missing or past. A service runs with these: a date must not stop one.
#[must_use]
pub fn check(folder: &Path, schema: &str, service: &str) -> Vec<Finding> {
    found(folder, schema, service).unwrap_or_else(|GuardError(findings)| findings)
}

fn found(folder: &Path, schema: &str, service: &str) -> Result<Vec<Finding>, GuardError> {
    let schema = load::schema(schema, folder)?;
    let sources = load::sources(folder)?;
    let (placed, mut findings) = load::policies(&sources, &schema, service);
    if findings.is_empty() {
        findings.extend(
            Policies::new(sources, folder, &schema, service, "")
                .err()
                .into_iter()
                .flatten(),
        );
    }
    let today = OffsetDateTime::now_utc().date();
    for each in &placed {
        findings.extend(blanket(each));
        findings.extend(review(each, today));
    }
    Ok(findings)
}

fn blanket(placed: &Placed) -> Option<Finding> {
    let policy = &placed.policy;
    // What forbids too much is noticed by whoever is refused.
    if policy.effect() == Effect::Forbid {
        return None;
    }
    let open = [
        (
            "principal",
            policy.principal_constraint() == PrincipalConstraint::Any,
        ),
        (
            "action",
            policy.action_constraint() == ActionConstraint::Any,
        ),
        (
            "resource",
            policy.resource_constraint() == ResourceConstraint::Any,
        ),
    ];
    let open: Vec<_> = open
        .iter()
        .filter(|(_, open)| *open)
        .map(|(word, _)| *word)
        .collect();
    if open.is_empty() {
        return None;
    }
    let problem = format!("is BLANKET: it permits any {}", open.join(", any "));
    Some(placed.finding(
        &problem,
        "say which, with ==, in or is in the head of the policy",
    ))
}

fn review(placed: &Placed, today: Date) -> Option<Finding> {
    let stated = placed.policy.annotation("review");
    let remedy =
        "have its owner review it, and state the day of the next review: @review(\"2027-01-31\")";
    match stated.map(|stated| Date::parse(stated, DATE)) {
        Some(Ok(date)) if date >= today => None,
        Some(Ok(date)) => Some(placed.finding(&format!("was to be reviewed by {date}"), remedy)),
        Some(Err(_)) => Some(placed.finding("has an @review that is no date", remedy)),
        None => Some(placed.finding("has no @review", remedy)),
    }
}
