//! One method as an operation.

use prost_reflect::{FieldDescriptor, MethodDescriptor};
use serde_json::{Map, Value, json};

use super::{
    insert, label, masked, operation_id, problem,
    schema::{Direction, Schemas},
};
use crate::{
    comments,
    compile::Contract,
    deprecation::Deprecation,
    route::{Body, Route},
};

/// The name of the one security scheme.
pub(super) const SECURITY: &str = "accessToken";

/// The path with the names clients know: those of JSON.
pub(crate) fn path(route: &Route) -> String {
    let segments = route.template.split('/').map(|segment| {
        let named = |field: &&FieldDescriptor| segment == format!("{{{}}}", field.name());
        match route.path.iter().find(named) {
            Some(field) => format!("{{{}}}", field.json_name()),
            None => segment.to_owned(),
        }
    });
    segments.collect::<Vec<_>>().join("/")
}

pub(super) fn describe(
    contract: &Contract,
    schemas: &mut Schemas<'_>,
    method: &MethodDescriptor,
    route: &Route,
    tag: &str,
) -> Value {
    let annotations = contract.options.method(method);
    let about = comments::text(&method.parent_file(), method.path()).unwrap_or_default();
    let mut operation = json!({
        "operationId": operation_id(method.name()),
        "tags": [tag],
        "summary": about.split_once(". ").map_or(about.as_str(), |(first, _)| first).trim_end_matches('.'),
        "description": about,
    });
    // One with a mistake has a finding of its own.
    let deprecation = Deprecation::read(&annotations).ok().flatten();
    if deprecation.is_some() {
        insert(&mut operation, "deprecated", json!(true));
    }
    let path = route.path.iter().map(|field| (field, "path"));
    let query = route.query.iter().map(|field| (field, "query"));
    let parameters: Vec<_> = path
        .chain(query)
        .map(|(field, place)| parameter(schemas, field, place))
        .collect();
    if !parameters.is_empty() {
        insert(&mut operation, "parameters", json!(parameters));
    }
    if let Some(schema) = body(schemas, method, route) {
        let content = json!({"application/json": {"schema": schema}});
        let body = json!({"required": true, "content": content});
        insert(&mut operation, "requestBody", body);
    }
    insert(
        &mut operation,
        "responses",
        responses(schemas, method, route, deprecation).into(),
    );
    let scopes: Vec<_> = annotations.scope().split_ascii_whitespace().collect();
    insert(&mut operation, "security", json!([{ (SECURITY): scopes }]));
    let ceiling = annotations.ceiling.clone().unwrap_or_default();
    insert(&mut operation, "x-strata-ceiling", label(&ceiling));
    if !annotations.purpose.is_empty() {
        insert(
            &mut operation,
            "x-strata-purpose",
            json!(annotations.purpose),
        );
    }
    insert(
        &mut operation,
        "x-strata-idempotent",
        json!(annotations.idempotent),
    );
    for (name, date) in [
        ("x-strata-deprecated-after", &annotations.deprecated_after),
        ("x-strata-sunset", &annotations.sunset),
    ] {
        if !date.is_empty() {
            insert(&mut operation, name, json!(date));
        }
    }
    operation
}

fn parameter(schemas: &mut Schemas<'_>, field: &FieldDescriptor, place: &str) -> Value {
    let mut schema = schemas.value(field, Direction::Parameter);
    let required = place == "path" || schemas.is_required(field);
    // A segment that is empty is no segment.
    if place == "path" && schema.get("type") == Some(&json!("string")) {
        insert(&mut schema, "minLength", json!(1));
    }
    let mut parameter = json!({"name": field.json_name(), "in": place, "required": required});
    if let Some(about) = comments::text(&field.parent_message().parent_file(), field.path()) {
        insert(&mut parameter, "description", json!(about));
    }
    insert(&mut parameter, "schema", schema);
    if let Some(label) = schemas.label(field) {
        insert(&mut parameter, "x-strata-label", label);
    }
    parameter
}

fn body(schemas: &mut Schemas<'_>, method: &MethodDescriptor, route: &Route) -> Option<Value> {
    match &route.body {
        Body::None => None,
        Body::Field(field) => Some(schemas.value(field, Direction::Request)),
        // What the path gives the body must not give again.
        Body::Whole if !route.path.is_empty() => {
            Some(schemas.object(&method.input(), Direction::Request, &route.path))
        }
        Body::Whole => Some(schemas.message(&method.input(), Direction::Request)),
    }
}

fn responses(
    schemas: &mut Schemas<'_>,
    method: &MethodDescriptor,
    route: &Route,
    deprecation: Option<Deprecation>,
) -> Map<String, Value> {
    let message = method.output();
    let answer = schemas.message(&message, Direction::Response);
    let schema =
        json!({"allOf": [answer, {"$ref": format!("#/components/schemas/{}", masked::SCHEMA)}]});
    let about = comments::text(&message.parent_file(), message.path());
    let about = about.unwrap_or_else(|| "The answer.".to_owned());
    let (kind, about) = if method.is_server_streaming() {
        let lines = "Each line is one, as JSON (https://github.com/ndjson/ndjson-spec). An answer \
                     that breaks off is not a whole one.";
        ("application/x-ndjson", format!("{about} {lines}"))
    } else {
        ("application/json", about)
    };
    let mut headers = problem::references();
    if let Some(deprecation) = deprecation {
        headers.extend(problem::ending(deprecation));
    }
    let answer = json!({
        "description": about,
        "headers": headers,
        "content": { (kind): {"schema": schema} }
    });
    let mut responses = Map::new();
    responses.insert("200".to_owned(), answer);
    let ends = deprecation.is_some_and(|deprecation| deprecation.sunset.is_some());
    responses.extend(problem::of(route, ends));
    responses
}
