//! The OpenAPI 3.1 document of an Experience contract: what a client needs, and nothing that the
//! service does not do. Routes, JSON forms and problems are those of `strata_rest` and pbjson.
//!
//! It is made as JSON values: a document is read by people, so its members keep the order they are
//! stated in, and no crate of types has every keyword of JSON Schema that a contract needs.

mod masked;
mod operation;
mod problem;
mod scalar;
mod schema;

use heck::{ToLowerCamelCase as _, ToTitleCase as _};
use prost_reflect::ServiceDescriptor;
use serde_json::{Map, Value, json};
use strata_core::Layer;

pub(crate) use self::operation::path;
use self::schema::Schemas;
use crate::{
    comments,
    compile::{Contract, Version},
    finding::Finding,
    options::Label,
    route::Route,
};

/// The document of each version, oldest first; none for a contract without routes.
pub(crate) fn all(contract: &Contract) -> Result<Vec<Document>, Finding> {
    if contract.folder.layer != Layer::Experience {
        return Ok(Vec::new());
    }
    let documents = contract.versions.iter().map(|version| {
        Ok(Document {
            version: version.name.clone(),
            text: format!("{:#}\n", document(contract, version)?),
        })
    });
    documents.collect()
}

/// What clients are told of one version of an Experience API: OpenAPI 3.1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// `v1`.
    pub version: String,
    /// As it is committed: JSON, indented, with a line break at its end.
    pub text: String,
}

/// The document of one version.
pub(crate) fn document(contract: &Contract, version: &Version) -> Result<Value, Finding> {
    let mut schemas = Schemas::of(contract, version);
    let mut paths = Map::new();
    let mut tags = Vec::new();
    let mut info = Value::Null;
    for service in version.services() {
        let tag = tag(&service);
        for method in service.methods() {
            let route = contract
                .options
                .http(&method)
                .and_then(|rule| Route::read(&rule, &method).ok())
                .ok_or_else(|| {
                    Finding::new(service.full_name(), "", "has no route: give it one")
                })?;
            let operation = operation::describe(contract, &mut schemas, &method, &route, &tag);
            let path = paths
                .entry(operation::path(&route))
                .or_insert_with(|| json!({}));
            if let Some(path) = path.as_object_mut() {
                path.insert(route.verb.name().to_owned(), operation);
            }
        }
        info = self::info(contract, version, &service);
        let about = comments::text(&service.parent_file(), service.path()).unwrap_or_default();
        tags.push(json!({"name": tag, "description": about}));
    }
    Ok(json!({
        "openapi": "3.1.0",
        "info": info,
        "servers": [{"url": "/", "description": "where this document comes from"}],
        "tags": tags,
        "paths": paths,
        "components": {
            "schemas": schemas.into_components(),
            "responses": problem::responses(),
            "headers": problem::headers(),
            "securitySchemes": {
                (operation::SECURITY): {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "An access token of the issuer (RFC 9068) for this API. Each operation \
                                    lists the scopes it needs, all of them."
                }
            }
        }
    }))
}

fn info(contract: &Contract, version: &Version, service: &ServiceDescriptor) -> Value {
    json!({
        "title": format!("{} API", contract.folder.name.to_title_case()),
        "description": comments::text(&service.parent_file(), service.path()).unwrap_or_default(),
        "contact": {"name": contract.options.service(service).owner},
        "version": version.name,
    })
}

/// The service's name without `Service`.
fn tag(service: &ServiceDescriptor) -> String {
    let name = service.name();
    name.strip_suffix("Service").unwrap_or(name).to_owned()
}

/// A method's name as clients generate functions from it.
fn operation_id(name: &str) -> String {
    name.to_lower_camel_case()
}

/// A label as the extensions show it, in the words of the contract.
fn label(label: &Label) -> Value {
    let mut shown = json!({"sensitivity": label.sensitivity().as_str_name()});
    let categories: Vec<_> = label.categories().map(|one| one.as_str_name()).collect();
    if !categories.is_empty() {
        insert(&mut shown, "categories", json!(categories));
    }
    shown
}

/// Adds a member to an object.
fn insert(object: &mut Value, name: &str, value: Value) {
    if let Some(members) = object.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
}

#[cfg(test)]
mod tests;
