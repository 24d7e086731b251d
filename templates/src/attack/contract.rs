//! The OpenAPI documents of a target, as far as an attacker reads them: routes, what each needs, and what it
//! answers.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, ensure};
use http::{Method, StatusCode};
use serde_json::{Map, Value};
use url::form_urlencoded::byte_serialize;

/// Every route of every version.
pub(crate) struct Contract {
    pub(crate) routes: Vec<Route>,
    /// The versions, as the documents say: `v1`.
    pub(crate) versions: Vec<String>,
}

/// One operation.
pub(crate) struct Route {
    pub(crate) method: Method,
    /// With `{names}` for what is asked for.
    pub(crate) path: String,
    /// What a token needs, all of it.
    pub(crate) scopes: BTreeSet<String>,
    /// Names of what stands in the path.
    pub(crate) ids: Vec<String>,
    /// Names of texts in the query.
    pub(crate) texts: Vec<String>,
    /// Members that a body must have; none when the route takes none.
    pub(crate) body: Option<Vec<String>>,
    operation: Map<String, Value>,
    components: Value,
}

impl Contract {
    /// Reads documents.
    pub(crate) fn of(documents: &[Value]) -> Result<Self> {
        let mut routes = Vec::new();
        for document in documents {
            read(document, &mut routes)?;
        }
        ensure!(
            !routes.is_empty(),
            "the OpenAPI document has no route: give the one of this API"
        );
        let versions = documents.iter();
        let versions = versions.filter_map(|document| document.pointer("/info/version")?.as_str());
        Ok(Self {
            versions: versions.map(str::to_owned).collect(),
            routes,
        })
    }

    /// Routes that change nothing.
    pub(crate) fn reads(&self) -> impl Iterator<Item = &Route> {
        self.routes
            .iter()
            .filter(|route| route.method == Method::GET)
    }

    /// A route whose body lacks something when it is empty, and so changes nothing.
    pub(crate) fn taking(&self) -> Option<&Route> {
        self.routes.iter().find(|route| {
            let needed = route.body.as_ref().is_some_and(|needed| !needed.is_empty());
            needed && route.ids.is_empty()
        })
    }

    /// All scopes, separated by spaces.
    pub(crate) fn scope(&self) -> String {
        let scopes = self.routes.iter().flat_map(|route| &route.scopes);
        let scopes: BTreeSet<_> = scopes.map(String::as_str).collect();
        scopes.into_iter().collect::<Vec<_>>().join(" ")
    }

    /// The methods of a path.
    pub(crate) fn methods(&self, path: &str) -> BTreeSet<&str> {
        let routes = self.routes.iter().filter(|route| route.path == path);
        routes.map(|route| route.method.as_str()).collect()
    }
}

impl Route {
    /// The path with ids in it, as they are; none when one is missing.
    pub(crate) fn at(&self, ids: &BTreeMap<String, String>) -> Option<String> {
        self.ids.iter().try_fold(self.path.clone(), |path, name| {
            let id: String = byte_serialize(ids.get(name)?.as_bytes()).collect();
            Some(path.replace(&format!("{{{name}}}"), &id.replace('+', "%20")))
        })
    }

    /// What an answer of this status is declared to hold, and the document to look names up in.
    pub(crate) fn answer(&self, status: StatusCode) -> Option<(&Value, &Value)> {
        let response = self.response(status)?;
        let (_, content) = response.get("content")?.as_object()?.iter().next()?;
        Some((content.get("schema")?, &self.components))
    }

    /// The headers every answer of this status must have, and what each must say where that is fixed.
    pub(crate) fn headers(&self, status: StatusCode) -> BTreeMap<&str, Option<&str>> {
        let headers = self
            .response(status)
            .and_then(|it| it["headers"].as_object());
        let headers = headers.into_iter().flatten().filter_map(|(name, header)| {
            let header = resolved(header, &self.components);
            let says = header.pointer("/schema/const").and_then(Value::as_str);
            (header["required"] == true).then_some((name.as_str(), says))
        });
        headers.collect()
    }

    fn response(&self, status: StatusCode) -> Option<&Value> {
        let response = self.operation.get("responses")?.get(status.as_str())?;
        Some(resolved(response, &self.components))
    }
}

/// What a `$ref` leads to within the document (RFC 6901); anything else is itself.
pub(super) fn resolved<'a>(value: &'a Value, document: &'a Value) -> &'a Value {
    let reference = value["$ref"].as_str().and_then(|it| it.strip_prefix('#'));
    let found = reference.and_then(|pointer| document.pointer(pointer));
    found.unwrap_or(value)
}

fn read(document: &Value, routes: &mut Vec<Route>) -> Result<()> {
    let paths = document["paths"].as_object();
    let paths = paths.context("the OpenAPI document has no paths: give the one of this API")?;
    for (path, operations) in paths {
        for (method, operation) in operations.as_object().into_iter().flatten() {
            let Ok(method) = method.to_uppercase().parse::<Method>() else {
                continue;
            };
            // Beside the operations stand texts, and parameters of all of them.
            if let Some(operation) = operation.as_object() {
                routes.push(route(method, path, operation, document));
            }
        }
    }
    Ok(())
}

fn route(method: Method, path: &str, operation: &Map<String, Value>, document: &Value) -> Route {
    let named = |place: &str, only_texts: bool| {
        let parameters = operation.get("parameters").and_then(Value::as_array);
        let parameters = parameters.into_iter().flatten();
        let parameters = parameters.map(|parameter| resolved(parameter, document));
        let parameters = parameters.filter(|parameter| {
            let schema = resolved(&parameter["schema"], document);
            parameter["in"] == place
                && (!only_texts || (schema["type"] == "string" && schema["enum"].is_null()))
        });
        let names = parameters.filter_map(|parameter| parameter["name"].as_str());
        names.map(str::to_owned).collect::<Vec<_>>()
    };
    let listed = |value: &Value| {
        let names = value.as_array().into_iter().flatten();
        names.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let security = operation.get("security").and_then(Value::as_array);
    let needs = security.into_iter().flatten().filter_map(Value::as_object);
    let scopes = needs.flat_map(Map::values).flat_map(|scopes| {
        let scopes: Vec<String> = listed(scopes);
        scopes
    });
    let body = operation.get("requestBody").map(|body| {
        let schema = resolved(body, document).pointer("/content/application~1json/schema");
        let required = schema.and_then(|schema| resolved(schema, document).get("required"));
        required.map(listed).unwrap_or_default()
    });
    Route {
        ids: named("path", false),
        texts: named("query", true),
        scopes: scopes.collect(),
        method,
        path: path.to_owned(),
        body,
        operation: operation.clone(),
        components: document.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn contract() -> Contract {
        Contract::of(&[json!({
            "info": { "version": "v1" },
            "paths": { "/v1/things/{id}": {
                "get": {
                    "parameters": [
                        { "name": "id", "in": "path", "schema": { "type": "string" } },
                        { "name": "q", "in": "query", "schema": { "type": "string" } },
                        { "name": "size", "in": "query", "schema": { "type": "integer" } },
                    ],
                    "security": [{ "accessToken": ["things:read", "a"] }],
                    "responses": { "200": { "$ref": "#/components/responses/Thing" } },
                },
                "put": { "requestBody": { "content": { "application/json": {
                    "schema": { "$ref": "#/components/schemas/Thing" } } } } },
            } },
            "components": {
                "schemas": { "Thing": { "required": ["name"] } },
                "responses": { "Thing": {
                    "headers": { "Sunset": { "required": true, "schema": { "const": "then" } } },
                    "content": { "application/json": { "schema": { "type": "object" } } },
                } },
            },
        })])
        .unwrap()
    }

    #[test]
    fn routes_are_read_with_all_they_need() {
        let contract = contract();
        let [get, put] = contract.routes.as_slice() else {
            panic!("{} routes", contract.routes.len());
        };
        assert_eq!((&get.method, &put.method), (&Method::GET, &Method::PUT));
        assert_eq!(
            (get.ids.as_slice(), get.texts.as_slice()),
            (&["id".to_owned()][..], &["q".to_owned()][..])
        );
        assert_eq!(put.body.as_deref(), Some(&["name".to_owned()][..]));
        assert_eq!(contract.scope(), "a things:read");
        assert_eq!(
            get.headers(StatusCode::OK),
            BTreeMap::from([("Sunset", Some("then"))])
        );
        assert!(get.answer(StatusCode::OK).is_some());
        let ids = BTreeMap::from([("id".to_owned(), "a/b c".to_owned())]);
        assert_eq!(get.at(&ids).unwrap(), "/v1/things/a%2Fb%20c");
        assert_eq!(get.at(&BTreeMap::new()), None);
    }

    #[test]
    fn what_is_no_document_is_refused() {
        for document in [json!({}), json!({ "paths": {} })] {
            assert!(Contract::of(&[document]).is_err());
        }
    }
}
