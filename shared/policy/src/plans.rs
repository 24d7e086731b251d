//! What the consumers of an Experience API may take: policy/plans.toml.
//!
//! ```toml
//! [plans.standard]
//! quota = { requests = 1000000, per = "1day" }
//! spike = { requests = 100, per = "1s" }
//! methods = ["GetOverview"]
//! ceiling = { sensitivity = "confidential", categories = ["personal"] }
//! ```

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

use serde::Deserialize;
use strata_config::{Document, Problem, Rate};
use strata_core::{Clearance, Method};

use crate::{PolicyError, document::read};

/// What each consumer of a plan may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Its name.
    pub name: String,
    /// Requests in a window, of all replicas together where they share.
    pub quota: Rate,
    /// Requests in a short time, of each replica.
    pub spike: Rate,
    /// The most a user may be shown through a consumer of this plan, whatever their roles.
    pub ceiling: Clearance,
    /// By name: two methods may share a path, and differ in the verb.
    methods: Vec<&'static str>,
}

impl Plan {
    /// Whether the plan has the method, of whichever version of the API.
    #[must_use]
    pub fn allows(&self, method: &Method) -> bool {
        self.methods.contains(&method.name)
    }
}

/// plans.toml as it is written.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlansFile {
    /// The plans, by name.
    #[serde(default)]
    pub plans: BTreeMap<String, PlanEntry>,
}

/// One plan.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanEntry {
    /// Requests in a window.
    pub quota: Rate,
    /// Requests in a short time.
    pub spike: Rate,
    /// The methods it has, `GetOverview`.
    pub methods: Vec<String>,
    /// The most a user may be shown through it.
    pub ceiling: Clearance,
}

impl PlansFile {
    /// Reads the file. What it says is judged where the API is known: [`crate::Consumers::load`].
    ///
    /// # Errors
    /// [`PolicyError`] when it is missing or no such document.
    pub fn load(file: &Path) -> Result<Self, PolicyError> {
        Ok(read::<Self>(file)?.value)
    }
}

/// Plans by name.
pub(crate) type Plans = BTreeMap<String, Arc<Plan>>;

/// The plans of a file, and what is wrong with it.
pub(crate) fn load(
    file: &Path,
    methods: &'static [Method],
) -> Result<(Plans, Vec<Problem>), PolicyError> {
    let document: Document<PlansFile> = read(file)?;
    let problems = check(&document, methods);
    let plans = document.value.plans.into_iter().map(|(name, entry)| {
        let named = |method: &&Method| entry.methods.iter().any(|name| name == method.name);
        let plan = Plan {
            name: name.clone(),
            quota: entry.quota,
            spike: entry.spike,
            ceiling: entry.ceiling,
            methods: methods
                .iter()
                .filter(named)
                .map(|method| method.name)
                .collect(),
        };
        (name, Arc::new(plan))
    });
    Ok((plans.collect(), problems))
}

fn check(document: &Document<PlansFile>, methods: &[Method]) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut refuse = |path: &[&str], what: String| problems.push(document.problem(path, what));
    for (name, plan) in &document.value.plans {
        for (key, rate) in [("quota", plan.quota), ("spike", plan.spike)] {
            if let Some((part, what)) = rate.problem() {
                refuse(
                    &["plans", name, key, part],
                    format!("'{key}.{part}' {what}"),
                );
            }
        }
        if plan.methods.is_empty() {
            let what = "'methods' is empty: name what the plan has, or remove it";
            refuse(&["plans", name, "methods"], what.to_owned());
        }
        let mut seen = BTreeSet::new();
        for (at, method) in plan.methods.iter().enumerate() {
            let path = ["plans", name, "methods", &at.to_string()];
            if !methods.iter().any(|known| known.name == method) {
                let known: Vec<_> = methods.iter().map(|method| method.name).collect();
                let known = known.join(", ");
                refuse(
                    &path,
                    format!("unknown method '{method}': expected {known}"),
                );
            } else if !seen.insert(method) {
                refuse(&path, format!("method '{method}' is named twice"));
            }
        }
    }
    problems
}
