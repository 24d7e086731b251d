//! The objects of OCSF 1.4.0 that events are made of. What a class or an object requires has no default.

use std::net::{IpAddr, SocketAddr};

use serde::Serialize;
use strata_core::{Category, Label, Sensitivity};

use super::{OCSF, numbers::Captioned};

/// What is not known, where the schema wants a name.
const UNKNOWN: &str = "unknown";

/// Who makes events.
const PRODUCT: &str = "Strata";

/// <https://schema.ocsf.io/1.4.0/objects/metadata>
#[derive(Clone, Debug, Serialize)]
pub struct Metadata {
    #[serde(skip_serializing_if = "Option::is_none")]
    correlation_uid: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    data_classifications: Vec<Classification>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sequence: Option<u64>,
    event_code: String,
    log_name: &'static str,
    log_provider: String,
    product: Product,
    profiles: [&'static str; 2],
    version: &'static str,
}

impl Metadata {
    /// Of an event that `provider`, a service, tells in `log`; `code` is the kind of it.
    #[must_use]
    pub fn new(log: &'static str, provider: &str, code: &str) -> Self {
        Self {
            correlation_uid: None,
            data_classifications: Vec::new(),
            uid: None,
            sequence: None,
            event_code: code.to_owned(),
            log_name: log,
            log_provider: provider.to_owned(),
            product: Product {
                name: PRODUCT,
                vendor_name: PRODUCT,
            },
            profiles: ["data_classification", "security_control"],
            version: OCSF,
        }
    }

    /// Of a request, by its trace-id (W3C Trace Context), 32 hex digits.
    #[must_use]
    pub fn of_trace(self, trace: Option<&str>) -> Self {
        let correlation_uid = trace.map(str::to_owned);
        Self {
            correlation_uid,
            ..self
        }
    }

    /// Of what was let out.
    #[must_use]
    pub fn of_label(self, label: Label) -> Self {
        let data_classifications = Classification::of(label);
        Self {
            data_classifications,
            ..self
        }
    }

    /// By its number within the log, and the name that it has by that.
    #[must_use]
    pub fn numbered(self, sequence: u64) -> Self {
        Self {
            uid: Some(format!("{}#{sequence}", self.log_provider)),
            sequence: Some(sequence),
            ..self
        }
    }
}

/// <https://schema.ocsf.io/1.4.0/objects/product>
#[derive(Clone, Debug, Serialize)]
pub struct Product {
    name: &'static str,
    vendor_name: &'static str,
}

/// <https://schema.ocsf.io/1.4.0/objects/product>, as what a service is.
#[derive(Clone, Debug, Serialize)]
pub struct App {
    name: String,
    vendor_name: &'static str,
}

impl App {
    /// A service, by its SPIFFE ID.
    #[must_use]
    pub fn new(service: &str) -> Self {
        Self {
            name: service.to_owned(),
            vendor_name: PRODUCT,
        }
    }
}

/// <https://schema.ocsf.io/1.4.0/objects/actor>: the user it acts for, and through whom they ask.
#[derive(Clone, Debug, Serialize)]
pub struct Actor {
    #[serde(skip_serializing_if = "Option::is_none")]
    app_name: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    app_uid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<User>,
}

impl Actor {
    /// The user by the name that this log has for them, and a workload by its SPIFFE ID, or what else is
    /// known of whom they ask through. Either may be unknown.
    #[must_use]
    pub fn new(user: Option<String>, via: Option<String>) -> Self {
        let nobody = user.is_none() && via.is_none();
        Self {
            app_name: nobody.then_some(UNKNOWN),
            app_uid: via,
            user: user.map(User::new),
        }
    }
}

/// <https://schema.ocsf.io/1.4.0/objects/user>
#[derive(Clone, Debug, Serialize)]
pub struct User {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uid: Option<String>,
}

impl User {
    /// One that is known, by the name that this log has for them.
    #[must_use]
    pub const fn new(uid: String) -> Self {
        Self {
            name: None,
            uid: Some(uid),
        }
    }

    /// One that is not.
    #[must_use]
    pub const fn unknown() -> Self {
        Self {
            name: Some(UNKNOWN),
            uid: None,
        }
    }
}

/// <https://schema.ocsf.io/1.4.0/objects/api>
#[derive(Clone, Debug, Serialize)]
pub struct Api {
    /// The path of the method.
    pub operation: String,
    /// Whose it is.
    pub service: Service,
    /// What was answered.
    pub response: Response,
}

/// <https://schema.ocsf.io/1.4.0/objects/service>
#[derive(Clone, Debug, Serialize)]
pub struct Service {
    name: String,
}

impl Service {
    /// A service, by its SPIFFE ID.
    #[must_use]
    pub fn new(id: &str) -> Self {
        Self {
            name: id.to_owned(),
        }
    }
}

/// <https://schema.ocsf.io/1.4.0/objects/response>
#[derive(Clone, Debug, Serialize)]
pub struct Response {
    error: String,
}

impl Response {
    /// Its code.
    #[must_use]
    pub fn new(code: &str) -> Self {
        Self {
            error: code.to_owned(),
        }
    }
}

/// <https://schema.ocsf.io/1.4.0/objects/network_endpoint>
#[derive(Clone, Debug, Serialize)]
pub struct Endpoint {
    #[serde(skip_serializing_if = "Option::is_none")]
    ip: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    svc_name: Option<String>,
}

impl Endpoint {
    /// One that is known by name, or not at all.
    #[must_use]
    pub fn named(name: Option<String>) -> Self {
        Self::at(None, name)
    }

    /// One at an address, as far as that is known. A port of 0 is none.
    #[must_use]
    pub fn at(address: Option<SocketAddr>, name: Option<String>) -> Self {
        let nowhere = address.is_none() && name.is_none();
        Self {
            ip: address.map(|address| address.ip()),
            port: address
                .map(|address| address.port())
                .filter(|port| *port != 0),
            svc_name: name.or_else(|| nowhere.then(|| UNKNOWN.to_owned())),
        }
    }
}

/// <https://schema.ocsf.io/1.4.0/objects/resource_details>: an object, which no id gives away.
#[derive(Clone, Debug, Serialize)]
pub struct Resource {
    #[serde(rename = "type")]
    kind: String,
    uid: String,
}

impl Resource {
    /// What the field is called that names it, and [`crate::ResourceKey::text`] of its id.
    #[must_use]
    pub fn new(kind: &str, name: String) -> Self {
        Self {
            kind: kind.to_owned(),
            uid: name,
        }
    }
}

/// <https://schema.ocsf.io/1.4.0/objects/managed_entity>
#[derive(Clone, Debug, Serialize)]
pub struct Entity {
    name: String,
    #[serde(rename = "type")]
    kind: &'static str,
    type_id: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
}

impl Entity {
    /// A policy: the file it stands in, and the digest of what that holds.
    #[must_use]
    pub fn policy(name: String, version: Option<String>) -> Self {
        Self {
            name,
            kind: "Policy",
            type_id: 5,
            version,
        }
    }

    /// Anything else.
    #[must_use]
    pub fn other(kind: &'static str, name: String, version: Option<String>) -> Self {
        Self {
            name,
            kind,
            type_id: 99,
            version,
        }
    }
}

/// <https://schema.ocsf.io/1.4.0/objects/policy>
#[derive(Clone, Debug, Serialize)]
pub struct Policy {
    uid: String,
}

impl Policy {
    /// By its `@id`.
    #[must_use]
    pub fn new(id: &str) -> Self {
        Self { uid: id.to_owned() }
    }
}

/// <https://schema.ocsf.io/1.4.0/objects/data_classification>: one for each category of a label, or one without.
#[derive(Clone, Debug, Serialize)]
pub struct Classification {
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    category_id: Option<u32>,
    confidentiality: &'static str,
    confidentiality_id: u32,
}

impl Classification {
    /// Those of a label, which can be told from them: what the schema has no number for has the estate's own
    /// word.
    #[must_use]
    pub fn of(label: Label) -> Vec<Self> {
        let (confidentiality_id, confidentiality) = confidentiality(label.sensitivity);
        let one = |category: Option<Captioned>| Self {
            category: category.map(|(_, name)| name),
            category_id: category.map(|(id, _)| id),
            confidentiality,
            confidentiality_id,
        };
        let of_all = label.categories.iter().map(|it| one(Some(category(it))));
        let all: Vec<_> = of_all.collect();
        if all.is_empty() { vec![one(None)] } else { all }
    }
}

const fn confidentiality(sensitivity: Sensitivity) -> Captioned {
    match sensitivity {
        Sensitivity::Public => (1, "Not Confidential"),
        Sensitivity::Internal => (99, "internal"),
        Sensitivity::Confidential => (2, "Confidential"),
        Sensitivity::Restricted => (6, "Restricted"),
    }
}

const fn category(category: Category) -> Captioned {
    match category {
        Category::Personal => (1, "Personal"),
        Category::Payment => (3, "Financial"),
        Category::Credential => (6, "Security"),
        Category::SpecialCategory => (99, "special_category"),
        Category::Location => (99, "location"),
        Category::Child => (99, "child"),
    }
}
