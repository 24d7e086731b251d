//! A line of the log that tells of a security event, as one event of OCSF (<https://schema.ocsf.io/1.4.0>).

use std::{net::SocketAddr, time::SystemTime};

use serde::Deserialize;
use serde_json::{Map, Value, json};
use strata_audit::ocsf::{
    About, Activity, Actor, Api, App, Class, Endpoint, Entity, Event, Metadata, Policy, Resource,
    Response, Service, User,
};
use strata_core::Label;

use super::{Kind, TARGET};

/// What a log line says of an event: the fields that [`super::Events`] writes.
#[derive(Deserialize)]
struct Told {
    event: Kind,
    reason: String,
    address: Option<SocketAddr>,
    upstream: Option<String>,
    caller: Option<String>,
    user: Option<String>,
    method: Option<String>,
    policy: Option<String>,
    resource_kind: Option<String>,
    resource: Option<String>,
    label: Option<String>,
    document: Option<String>,
    digest: Option<String>,
    /// Seconds since 1970.
    expires: Option<u64>,
}

/// The event that the fields of a line tell of, told by the service with this SPIFFE ID; none when they tell
/// of none.
pub(crate) fn line(
    fields: &Map<String, Value>,
    service: &str,
    trace: Option<&str>,
) -> Option<Value> {
    let told = Told::deserialize(fields).ok()?;
    let mapping = told.event.mapping();
    let (id, name) = mapping.activity;
    let label = told.label.as_deref();
    let label = label.and_then(|label| serde_json::from_str::<Label>(label).ok());
    let metadata = Metadata::new(TARGET, service, told.event.as_str()).of_trace(trace);
    let metadata = match label {
        Some(label) => metadata.of_label(label),
        None => metadata,
    };
    let policy = told.policy.as_deref().map(Policy::new);
    let expires = told
        .expires
        .map(|expires| json!({ "expires": expires * 1_000 }));
    let (kind, reason) = (told.event, told.reason.clone());
    let about = about(told, mapping.class, service);
    let event = Event::new(
        Activity::new(id, name),
        about,
        (mapping.outcome, mapping.severity),
        metadata,
    );
    let event = event
        .at(now())
        .because(kind.as_str(), &reason)
        .by(policy)
        .besides(expires);
    Some(event.value())
}

/// Milliseconds since 1970.
fn now() -> u64 {
    let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let now = since_epoch.unwrap_or_default().as_millis();
    now.try_into().unwrap_or_default()
}

fn about(told: Told, class: Class, service: &str) -> About {
    let own = || Endpoint::named(Some(service.to_owned()));
    let itself = || Actor::new(None, Some(service.to_owned()));
    match class {
        Class::ApiActivity => About::Api {
            src_endpoint: Endpoint::at(told.address, told.caller.clone()),
            dst_endpoint: own(),
            actor: Actor::new(told.user, told.caller),
            api: Api {
                operation: told.method.unwrap_or_else(|| "unknown".to_owned()),
                service: Service::new(service),
                response: Response::new(told.event.as_str()),
            },
            resources: told
                .resource_kind
                .zip(told.resource)
                .map(|(kind, name)| Resource::new(&kind, name))
                .into_iter()
                .collect(),
        },
        // Of an upstream this end is the source.
        Class::NetworkActivity if told.upstream.is_some() => About::Network {
            src_endpoint: own(),
            dst_endpoint: Endpoint::named(told.upstream),
        },
        Class::NetworkActivity => About::Network {
            src_endpoint: Endpoint::at(told.address, None),
            dst_endpoint: own(),
        },
        Class::Authentication => About::Authentication {
            user: User::unknown(),
            service: Service::new(service),
            src_endpoint: Endpoint::at(told.address, None),
        },
        Class::EntityManagement => About::Entity {
            actor: itself(),
            entity: entity(told),
        },
        Class::ApplicationLifecycle => About::Lifecycle {
            app: App::new(service),
        },
        Class::EventLogActivity => About::Log {
            actor: itself(),
            log_name: "audit trail",
        },
    }
}

fn entity(told: Told) -> Entity {
    let name = told.document.unwrap_or_else(|| "material".to_owned());
    let kind = match told.event {
        Kind::PolicyLoaded | Kind::PolicyReplaced | Kind::PolicyRejected => {
            return Entity::policy(name, told.digest);
        }
        Kind::ConfigurationLoaded => "Configuration",
        Kind::IssuerKeysReplaced | Kind::IssuerKeysRefused => "Key Set",
        _ => "Material",
    };
    Entity::other(kind, name, told.digest)
}
