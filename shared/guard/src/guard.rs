//! What a service asks, and how its policies change under it.

use std::{path::PathBuf, sync::Arc};

use arc_swap::ArcSwap;
use cedar_policy::Schema;
use strata_core::Object;

use crate::{
    error::GuardError,
    load,
    policies::Policies,
    request::{Denied, Facts},
};

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

    /// Looks into the folder again. A set with a mistake in it changes nothing: the last good one
    /// stays in force.
    ///
    /// # Errors
    /// [`GuardError`] as for [`Self::load`].
    pub fn reload(&self) -> Result<Reload, GuardError> {
        let sources = load::sources(&self.folder)?;
        if sources == self.policies.load().sources {
            return Ok(Reload::Unchanged);
        }
        let (folder, schema) = (&self.folder, &self.schema);
        let policies = Policies::new(sources, folder, schema, self.service, self.environment)?;
        self.policies.store(Arc::new(policies));
        Ok(Reload::Replaced)
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
