//! An event of OCSF 1.4.0. What a class requires its variant has, so that no event lacks it.

use serde::Serialize;
use serde_json::Value;

use super::{
    numbers::{Activity, Class, Outcome, Severity},
    objects::{Actor, Api, App, Endpoint, Entity, Metadata, Policy, Resource, Service, User},
};

/// One event.
#[derive(Clone, Debug, Serialize)]
pub struct Event {
    action: &'static str,
    action_id: u32,
    activity_id: u32,
    activity_name: String,
    category_name: &'static str,
    category_uid: u32,
    class_name: &'static str,
    class_uid: u32,
    disposition: &'static str,
    disposition_id: u32,
    metadata: Metadata,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<Policy>,
    severity: &'static str,
    severity_id: u32,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_detail: Option<String>,
    status_id: u32,
    time: u64,
    type_uid: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    unmapped: Option<Value>,
    #[serde(flatten)]
    about: About,
}

impl Event {
    /// An event of 1970, until [`Self::at`] says when.
    #[must_use]
    pub fn new(
        activity: Activity,
        about: About,
        (outcome, severity): (Outcome, Severity),
        metadata: Metadata,
    ) -> Self {
        let class = about.class();
        let (category_uid, category_name) = class.category();
        let (status_id, status) = outcome.status();
        let (action_id, action) = outcome.action();
        let (disposition_id, disposition) = outcome.disposition();
        Self {
            action,
            action_id,
            activity_id: activity.id,
            activity_name: activity.name.into_owned(),
            category_name,
            category_uid,
            class_name: class.caption(),
            class_uid: class.uid(),
            disposition,
            disposition_id,
            metadata,
            policy: None,
            severity: severity.caption(),
            severity_id: severity as u32,
            status,
            status_code: None,
            status_detail: None,
            status_id,
            time: 0,
            type_uid: class.uid() * 100 + activity.id,
            unmapped: None,
            about,
        }
    }

    /// When it was: milliseconds since 1970.
    #[must_use]
    pub const fn at(mut self, time: u64) -> Self {
        self.time = time;
        self
    }

    /// What it came to and why, as far as either is known.
    #[must_use]
    pub fn because(mut self, code: &str, detail: &str) -> Self {
        let known = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        (self.status_code, self.status_detail) = (known(code), known(detail));
        self
    }

    /// The policy that decided.
    #[must_use]
    pub fn by(mut self, policy: Option<Policy>) -> Self {
        self.policy = policy;
        self
    }

    /// What the schema has no attribute for.
    #[must_use]
    pub fn besides(mut self, unmapped: Option<Value>) -> Self {
        self.unmapped = unmapped;
        self
    }

    /// As JSON.
    #[must_use]
    pub fn value(&self) -> Value {
        // Every key is a text, so it always has a form.
        serde_json::to_value(self).unwrap_or_default()
    }
}

/// What an event is about: one variant for each class.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum About {
    /// Somebody asked for something.
    Api {
        /// Who.
        actor: Actor,
        /// For what.
        api: Api,
        /// From where.
        src_endpoint: Endpoint,
        /// Where.
        dst_endpoint: Endpoint,
        /// The objects that are named, by keyed hashes of their ids.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        resources: Vec<Resource>,
    },
    /// A connection.
    Network {
        /// Where it is from.
        src_endpoint: Endpoint,
        /// Where it goes.
        dst_endpoint: Endpoint,
    },
    /// Somebody showed a credential.
    Authentication {
        /// Whose it is said to be.
        user: User,
        /// To whom.
        service: Service,
        /// From where.
        src_endpoint: Endpoint,
    },
    /// Something that the service goes by changed, or should have.
    Entity {
        /// The service.
        actor: Actor,
        /// What.
        entity: Entity,
    },
    /// The service as a whole.
    Lifecycle {
        /// Which.
        app: App,
    },
    /// A log.
    Log {
        /// Whose.
        actor: Actor,
        /// Which.
        log_name: &'static str,
    },
}

impl About {
    /// The class.
    #[must_use]
    pub const fn class(&self) -> Class {
        match self {
            Self::Api { .. } => Class::ApiActivity,
            Self::Network { .. } => Class::NetworkActivity,
            Self::Authentication { .. } => Class::Authentication,
            Self::Entity { .. } => Class::EntityManagement,
            Self::Lifecycle { .. } => Class::ApplicationLifecycle,
            Self::Log { .. } => Class::EventLogActivity,
        }
    }
}
