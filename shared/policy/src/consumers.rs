//! Who may use an Experience API, and on which plan: policy/consumers.toml.
//!
//! ```toml
//! [[consumers]]
//! client_id = "mobile-app"
//! owner = "mobile team"
//! plan = "standard"
//! scopes = ["overview:read"]
//! purpose = "the customer's own account in the app"
//! review = "2027-06-30"
//! ```

use std::{collections::HashMap, path::Path, sync::Arc};

use serde::Deserialize;
use strata_config::Document;
use strata_core::Method;
use time::{Date, OffsetDateTime, macros::format_description};

use crate::{
    PolicyError,
    document::{checked, read},
    plans::{self, Plan},
};

/// A client of the issuer that may use this API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consumer {
    /// Its `client_id` (RFC 9068, section 2.2).
    pub client_id: String,
    /// Who answers for it.
    pub owner: String,
    /// What it may take.
    pub plan: Arc<Plan>,
    /// The scopes it may use: others of its tokens count for nothing.
    pub scopes: Vec<String>,
    /// Until when somebody must have looked whether all this is still right.
    pub review: Date,
}

/// The consumers of an Experience API, by client id. Default-deny: who is not listed is none.
#[derive(Debug, Default)]
pub struct Consumers(HashMap<String, Arc<Consumer>>);

/// consumers.toml as it is written.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsumersFile {
    /// The consumers.
    #[serde(default)]
    pub consumers: Vec<ConsumerEntry>,
}

/// One consumer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsumerEntry {
    /// Its `client_id`.
    pub client_id: String,
    /// Who answers for it.
    pub owner: String,
    /// Its plan.
    pub plan: String,
    /// The scopes it may use.
    pub scopes: Vec<String>,
    /// What it uses the API for.
    pub purpose: String,
    /// The day of its next review.
    pub review: String,
}

impl ConsumersFile {
    /// Reads the file. What it says is judged where the API is known: [`Consumers::load`].
    ///
    /// # Errors
    /// [`PolicyError`] when it is missing or no such document.
    pub fn load(file: &Path) -> Result<Self, PolicyError> {
        Ok(read::<Self>(file)?.value)
    }
}

impl Consumers {
    /// Reads `plans.toml` and `consumers.toml` of the folder, for an API with these methods.
    ///
    /// # Errors
    /// [`PolicyError`] naming file, line and key of everything that is wrong in either; then nobody is
    /// admitted.
    pub fn load(folder: &Path, methods: &'static [Method]) -> Result<Self, PolicyError> {
        let (plans, mut problems) = plans::load(&folder.join("plans.toml"), methods)?;
        let document: Document<ConsumersFile> = read(&folder.join("consumers.toml"))?;
        let mut consumers = HashMap::new();
        for (at, entry) in document.value.consumers.iter().enumerate() {
            let at = at.to_string();
            let mut refuse = |key: &str, what: String| {
                problems.push(document.problem(&["consumers", &at, key], what));
            };
            empty(entry, &mut refuse);
            let review = Date::parse(&entry.review, format_description!("[year]-[month]-[day]"));
            if review.is_err() {
                refuse(
                    "review",
                    "'review' is no date: write one such as \"2027-06-30\"".to_owned(),
                );
            }
            let plan = plans.get(&entry.plan);
            if plan.is_none() {
                let known: Vec<_> = plans.keys().map(String::as_str).collect();
                let what = format!(
                    "plan '{}' is not in plans.toml: expected {}",
                    entry.plan,
                    known.join(", ")
                );
                refuse("plan", what);
            }
            let (Some(plan), Ok(review)) = (plan, review) else {
                continue;
            };
            let consumer = Consumer {
                client_id: entry.client_id.clone(),
                owner: entry.owner.clone(),
                plan: Arc::clone(plan),
                scopes: entry.scopes.clone(),
                review,
            };
            let known = consumers.insert(entry.client_id.clone(), Arc::new(consumer));
            if known.is_some() {
                let what = format!(
                    "consumer '{}' has two entries: make them one",
                    entry.client_id
                );
                refuse("client_id", what);
            }
        }
        checked(Self(consumers), problems)
    }

    /// The consumer whose tokens say `client_id`.
    #[must_use]
    pub fn get(&self, client_id: &str) -> Option<&Arc<Consumer>> {
        self.0.get(client_id)
    }

    /// Those whose review is past its date, by UTC.
    pub fn overdue(&self) -> impl Iterator<Item = &Consumer> {
        let today = OffsetDateTime::now_utc().date();
        let all = self.0.values().map(AsRef::as_ref);
        all.filter(move |consumer| consumer.review < today)
    }

    /// Everyone.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Consumer>> {
        self.0.values()
    }
}

/// Says what was left blank.
fn empty(entry: &ConsumerEntry, refuse: &mut impl FnMut(&str, String)) {
    let texts = [
        ("client_id", &entry.client_id),
        ("owner", &entry.owner),
        ("purpose", &entry.purpose),
    ];
    for (key, _) in texts.iter().filter(|(_, text)| text.trim().is_empty()) {
        refuse(
            key,
            format!("'{key}' is empty: say it, or remove the entry"),
        );
    }
    if entry.scopes.is_empty() {
        let what = "'scopes' is empty: name what it may use, or remove the entry";
        refuse("scopes", what.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, time::Duration};

    use strata_core::{Category, Clearance, Label, Sensitivity};

    use super::*;

    const fn method(name: &'static str, path: &'static str) -> Method {
        Method {
            name,
            path,
            purpose: "",
            scope: "",
            idempotent: true,
            ceiling: Label::new(Sensitivity::Public, &[]),
            durable: false,
        }
    }

    static METHODS: [Method; 2] = [method("Get", "/e.E/Get"), method("Put", "/e.E/Put")];

    const PLANS: &str = "[plans.standard]\nquota = { requests = 1000, per = '1h' }\n\
        spike = { requests = 10, per = '1s' }\nmethods = ['Get']\n\
        ceiling = { sensitivity = 'confidential', categories = ['personal'] }\n";
    const CONSUMERS: &str = "[[consumers]]\nclient_id = 'app'\nowner = 'team'\nplan = 'standard'\n\
        scopes = ['a:read']\npurpose = 'to read'\nreview = '2027-06-30'\n";

    fn load(plans: &str, consumers: &str) -> Result<Consumers, String> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("plans.toml"), plans).unwrap();
        fs::write(folder.path().join("consumers.toml"), consumers).unwrap();
        let prefix = format!("{}/", folder.path().display());
        Consumers::load(folder.path(), &METHODS)
            .map_err(|error| error.to_string().replace(&prefix, ""))
    }

    #[test]
    fn a_consumer_has_its_plan_and_others_have_none() {
        let consumers = load(PLANS, CONSUMERS).unwrap();
        let app = consumers.get("app").unwrap();
        assert_eq!(app.scopes, ["a:read"]);
        assert_eq!(app.plan.quota.requests, 1000);
        assert_eq!(app.plan.spike.per, Duration::from_secs(1));
        let personal = Label::new(Sensitivity::Confidential, &[Category::Personal]);
        assert_eq!(app.plan.ceiling, Clearance(personal));
        assert!(app.plan.allows(&METHODS[0]));
        assert!(!app.plan.allows(&METHODS[1]));
        assert!(consumers.get("App").is_none());
        assert!(consumers.get("").is_none());
        assert_eq!(load(PLANS, "").unwrap().iter().count(), 0);
        let of_year = |year| load(PLANS, &CONSUMERS.replace("2027", year)).unwrap();
        assert_eq!(of_year("9999").overdue().count(), 0);
        assert_eq!(of_year("2001").overdue().count(), 1);
    }

    #[test]
    fn mistakes_are_named_with_file_line_and_remedy() {
        let in_plans = |from, to| load(&PLANS.replace(from, to), CONSUMERS).unwrap_err();
        assert_eq!(
            in_plans("1000", "0"),
            "plans.toml:2: 'quota.requests' is zero: no limit can be switched off"
        );
        assert_eq!(
            in_plans("'1s'", "'0s'"),
            "plans.toml:3: 'spike.per' is less than 1ms: name a time, such as \"1s\""
        );
        assert_eq!(
            in_plans("'Get'", "'Gett'"),
            "plans.toml:4: unknown method 'Gett': expected Get, Put"
        );
        assert_eq!(
            in_plans("['Get']", "[]"),
            "plans.toml:4: 'methods' is empty: name what the plan has, or remove it"
        );
        assert_eq!(
            in_plans("quota", "qota"),
            "plans.toml:2: unknown key 'plans.standard.qota'; did you mean 'quota'?\n\
             plans.toml:1: key 'plans.standard.quota' is missing"
        );
        let in_consumers = |from, to| load(PLANS, &CONSUMERS.replace(from, to)).unwrap_err();
        assert_eq!(
            in_consumers("plan = 'standard'\n", ""),
            "consumers.toml:1: key 'consumers.0.plan' is missing"
        );
        assert_eq!(
            in_consumers("'standard'", "'gold'"),
            "consumers.toml:4: plan 'gold' is not in plans.toml: expected standard"
        );
        assert_eq!(
            in_consumers("2027-06-30", "2027-06-31"),
            "consumers.toml:7: 'review' is no date: write one such as \"2027-06-30\""
        );
        assert_eq!(
            in_consumers("['a:read']", "[]"),
            "consumers.toml:5: 'scopes' is empty: name what it may use, or remove the entry"
        );
        assert_eq!(
            load(PLANS, &format!("{CONSUMERS}{CONSUMERS}"))
                .err()
                .unwrap(),
            "consumers.toml:9: consumer 'app' has two entries: make them one"
        );
    }
}
