//! The numbers of OCSF 1.4.0 that are used here, each with its caption.

use std::borrow::Cow;

/// A class of events, <https://schema.ocsf.io/1.4.0/classes>.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// <https://schema.ocsf.io/1.4.0/classes/event_log_actvity> (the schema's own spelling)
    EventLogActivity,
    /// <https://schema.ocsf.io/1.4.0/classes/authentication>
    Authentication,
    /// <https://schema.ocsf.io/1.4.0/classes/entity_management>
    EntityManagement,
    /// <https://schema.ocsf.io/1.4.0/classes/network_activity>
    NetworkActivity,
    /// <https://schema.ocsf.io/1.4.0/classes/application_lifecycle>
    ApplicationLifecycle,
    /// <https://schema.ocsf.io/1.4.0/classes/api_activity>
    ApiActivity,
}

impl Class {
    /// `class_uid`: a thousand times the category, and the class within it.
    #[must_use]
    pub const fn uid(self) -> u32 {
        match self {
            Self::EventLogActivity => 1008,
            Self::Authentication => 3002,
            Self::EntityManagement => 3004,
            Self::NetworkActivity => 4001,
            Self::ApplicationLifecycle => 6002,
            Self::ApiActivity => 6003,
        }
    }

    /// Its caption.
    #[must_use]
    pub const fn caption(self) -> &'static str {
        match self {
            Self::EventLogActivity => "Event Log Activity",
            Self::Authentication => "Authentication",
            Self::EntityManagement => "Entity Management",
            Self::NetworkActivity => "Network Activity",
            Self::ApplicationLifecycle => "Application Lifecycle",
            Self::ApiActivity => "API Activity",
        }
    }

    /// The category it is of, `category_uid` and its caption.
    #[must_use]
    pub const fn category(self) -> (u32, &'static str) {
        match self {
            Self::EventLogActivity => (1, "System Activity"),
            Self::Authentication | Self::EntityManagement => (3, "Identity & Access Management"),
            Self::NetworkActivity => (4, "Network Activity"),
            Self::ApplicationLifecycle | Self::ApiActivity => (6, "Application Activity"),
        }
    }
}

/// What was done, as the class of an event counts it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activity {
    /// `activity_id`.
    pub id: u32,
    /// Its caption, and what it was where the class has no number for it.
    pub name: Cow<'static, str>,
}

impl Activity {
    /// One that the class has a number for.
    #[must_use]
    pub const fn new(id: u32, name: &'static str) -> Self {
        let name = Cow::Borrowed(name);
        Self { id, name }
    }

    /// One that it has none for.
    #[must_use]
    pub fn other(name: impl Into<Cow<'static, str>>) -> Self {
        let name = name.into();
        Self { id: 99, name }
    }
}

/// `severity_id`: the effort that it takes to deal with, not how bad it feels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing is to be done.
    Informational = 1,
    /// Somebody may want to look.
    Low,
    /// Somebody should look.
    Medium,
    /// Somebody must look now: a control does not do what it should.
    High,
}

impl Severity {
    /// Its caption.
    #[must_use]
    pub const fn caption(self) -> &'static str {
        match self {
            Self::Informational => "Informational",
            Self::Low => "Low",
            Self::Medium => "Medium",
            Self::High => "High",
        }
    }
}

/// What came of it: the event's status, and what a control did (profile `security_control`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was let through.
    Allowed,
    /// It was not.
    Refused,
    /// It was let through and came to no good end.
    Failed,
    /// It was let through and told of, because a control asks for that.
    Observed,
    /// A control cannot do what it should.
    Impaired,
}

/// A number and its caption.
pub(super) type Captioned = (u32, &'static str);

impl Outcome {
    pub(super) const fn status(self) -> Captioned {
        match self {
            Self::Allowed | Self::Observed => (1, "Success"),
            Self::Refused | Self::Failed | Self::Impaired => (2, "Failure"),
        }
    }

    pub(super) const fn action(self) -> Captioned {
        match self {
            Self::Allowed | Self::Failed => (1, "Allowed"),
            Self::Refused => (2, "Denied"),
            Self::Observed | Self::Impaired => (3, "Observed"),
        }
    }

    pub(super) const fn disposition(self) -> Captioned {
        match self {
            Self::Allowed => (1, "Allowed"),
            Self::Refused => (2, "Blocked"),
            Self::Observed => (17, "Logged"),
            Self::Failed | Self::Impaired => (27, "Error"),
        }
    }

    /// In a word: `allowed`, `refused`, `failed`, `observed`, `impaired`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Observed => "observed",
            Self::Impaired => "impaired",
        }
    }
}
