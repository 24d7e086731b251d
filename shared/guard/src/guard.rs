//! What a service asks, and how its policies change under it.

use std::{path::PathBuf, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use cedar_policy::Schema;
use strata_core::Object;

use crate::{
    error::{Finding, GuardError},
    load::{self, Source},
    policies::Policies,
    request::{Denied, Facts},
};

/// Between two readings of what has changed, which must be the same.
const SETTLE: Duration = Duration::from_millis(200);

/// The policies of one service.
pub struct Guard {
    folder: PathBuf,
    schema: Schema,
    service: &'static str,
    environment: &'static str,
    policies: ArcSwap<Policies>,
}

/// What came of looking into the folder again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reload {
    /// It says what it said before.
    Unchanged,
    /// It says something else, which is in force now.
    Replaced,
    /// It is being written: look again.
    Unsettled,
}

impl Guard {
    /// Loads `*.cedar` of `folder` for `service`, whose contract states `schema`
    /// (`Contract::POLICY_SCHEMA`).
    ///
    /// # Errors
    /// [`GuardError`] with file and line of everything that does not parse or validate, and every
    /// method that no policy could permit.
    pub fn load(
        folder: PathBuf,
        schema: &str,
        service: &'static str,
        environment: &'static str,
    ) -> Result<Self, GuardError> {
        let schema = load::schema(schema, &folder)?;
        let sources = load::sources(&folder)?;
        let policies = Policies::new(sources, &folder, &schema, service, environment)?;
        Ok(Self {
            folder,
            schema,
            service,
            environment,
            policies: ArcSwap::from_pointee(policies),
        })
    }

    /// Looks into the folder again, for which it waits a moment. A set with a mistake in it, or without a
    /// file of the last good one, changes nothing: that one stays in force.
    ///
    /// # Errors
    /// [`GuardError`] as for [`Self::load`].
    pub fn reload(&self) -> Result<Reload, GuardError> {
        let sources = load::sources(&self.folder)?;
        let inforce = self.policies.load();
        if sources == inforce.sources {
            return Ok(Reload::Unchanged);
        }
        // Half of a set may be valid, and open what the other half closes.
        std::thread::sleep(SETTLE);
        if load::sources(&self.folder)? != sources {
            return Ok(Reload::Unsettled);
        }
        let remains = |file: &Source| sources.iter().any(|source| source.file == file.file);
        if let Some(gone) = inforce.sources.iter().find(|source| !remains(source)) {
            let remedy = "put it back; to retire it, leave it empty, or restart the service";
            return Err(Finding::new(&gone.file, None, "is gone".to_owned(), remedy).into());
        }
        let (folder, schema) = (&self.folder, &self.schema);
        let policies = Policies::new(sources, folder, schema, self.service, self.environment)?;
        self.policies.store(Arc::new(policies));
        Ok(Reload::Replaced)
    }

    /// The files in force, each with its text.
    #[must_use]
    pub fn files(&self) -> Vec<(PathBuf, String)> {
        let policies = self.policies.load();
        let sources = policies.sources.iter();
        let file = |source: &Source| (source.file.to_path_buf(), source.text.clone());
        sources.map(file).collect()
    }

    /// Whether `method` is about objects that policies decide about.
    #[must_use]
    pub fn decides_objects(&self, method: &str) -> bool {
        self.policies.load().decides_objects(method)
    }

    /// Whether a call of `method` reaches the object.
    ///
    /// # Errors
    /// [`Denied`] says why not.
    pub fn decide_object(
        &self,
        method: &str,
        facts: &Facts<'_>,
        object: &Object<'_>,
    ) -> Result<(), Denied> {
        self.policies.load().decide_object(method, facts, object)
    }

    /// Whether `method` of the contract may be called.
    ///
    /// # Errors
    /// [`Denied`] says why not.
    pub fn decide(&self, method: &str, facts: &Facts<'_>) -> Result<(), Denied> {
        self.policies.load().decide(method, facts)
    }
}

#[cfg(test)]
mod tests;
