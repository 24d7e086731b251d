//! Which members of an answer its contract does not declare.

use serde_json::{Map, Value};

use super::contract::resolved;

/// The paths of members that `schema` does not have, in `value`. Only names are compared: what a value must
/// be is held by the tests of the documents.
pub(super) fn undeclared(value: &Value, schema: &Value, document: &Value) -> Vec<String> {
    let mut found = Vec::new();
    walk("", value, &[schema], document, &mut found);
    found.sort();
    found
}

/// `schemas` are those that hold for the value together.
fn walk(path: &str, value: &Value, schemas: &[&Value], document: &Value, found: &mut Vec<String>) {
    let schemas = flat(schemas, document);
    let below = |name: &str| -> Vec<&Value> {
        let own = schemas
            .iter()
            .filter_map(|it| it.get("properties")?.get(name));
        let own: Vec<_> = own.collect();
        if !own.is_empty() {
            return own;
        }
        let any = schemas
            .iter()
            .filter_map(|it| it.get("additionalProperties"));
        any.filter(|it| **it != Value::Bool(false)).collect()
    };
    match value {
        Value::Object(members) => {
            // Any object at all, such as one of a well-known type.
            if !schemas.iter().any(|it| is_closed(it)) {
                return;
            }
            for (name, member) in members {
                let path = format!("{path}/{name}");
                let schemas = below(name);
                if schemas.is_empty() {
                    found.push(path);
                } else {
                    walk(&path, member, &schemas, document, found);
                }
            }
        }
        Value::Array(items) => {
            let schemas: Vec<_> = schemas.iter().filter_map(|it| it.get("items")).collect();
            for item in items {
                walk(&format!("{path}/*"), item, &schemas, document, found);
            }
        }
        _ => {}
    }
}

/// With what they refer to and are made of in place of them.
fn flat<'a>(schemas: &[&'a Value], document: &'a Value) -> Vec<&'a Map<String, Value>> {
    let mut found = Vec::new();
    for schema in schemas {
        let schema = resolved(schema, document);
        found.extend(schema.as_object());
        for together in ["allOf", "anyOf", "oneOf"] {
            let parts = schema[together].as_array().into_iter().flatten();
            found.extend(flat(&parts.collect::<Vec<_>>(), document));
        }
    }
    found
}

fn is_closed(schema: &Map<String, Value>) -> bool {
    schema.contains_key("properties") || schema.contains_key("additionalProperties")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn members_of_no_schema_are_found_at_any_depth() {
        let document = json!({ "components": { "schemas": {
            "Page": { "properties": { "items": { "items": { "$ref": "#/components/schemas/Item" } } } },
            "Item": { "properties": { "id": { "type": "string" }, "labels": {
                "additionalProperties": { "properties": { "a": {} } } } } },
            "Masked": { "properties": { "masked": {} } },
        } } });
        let schema = json!({ "allOf": [
            { "$ref": "#/components/schemas/Page" },
            { "$ref": "#/components/schemas/Masked" },
        ] });
        let found = |value| undeclared(&value, &schema, &document);
        let declared =
            json!({ "items": [{ "id": "1", "labels": { "x": { "a": 1 } } }], "masked": [] });
        assert_eq!(found(declared), [""; 0]);
        let more = json!({ "items": [{ "id": "1", "secret": 1, "labels": { "x": { "b": 1 } } }], "debug": 1 });
        assert_eq!(
            found(more),
            ["/debug", "/items/*/labels/x/b", "/items/*/secret"]
        );
    }
}
