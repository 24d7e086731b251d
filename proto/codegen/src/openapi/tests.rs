use serde_json::{Value, json};

use super::document;
use crate::checks::fixture;

/// A contract with every kind of value, in both directions.
const SHOP: &str = r#"syntax = "proto3";
package experience.shop.v1;
import "google/api/annotations.proto";
import "google/protobuf/duration.proto";
import "google/protobuf/timestamp.proto";
import "google/protobuf/wrappers.proto";
import "strata/options/v1/options.proto";
// Sells things.
// To everybody.
service ShopService {
  option (strata.options.v1.service) = {layer: EXPERIENCE, owner: "web-shop", changes: [{date: "2026-01-31", text: "The first version."}]};
  // The things. Newest first.
  rpc ListThings(ListThingsRequest) returns (stream Thing) {
    option (google.api.http) = {get: "/v1/shelves/{shelf_id}/things"};
    option (strata.options.v1.method) = {
      scope: "things:read shelves:read"
      purpose: "sale"
      ceiling: {sensitivity: CONFIDENTIAL, categories: [PERSONAL]}
      idempotent: true
      deprecated_after: "2027-01-31"
      sunset: "2027-12-31"
    };
  }
  // Changes a thing.
  rpc ChangeThing(ChangeThingRequest) returns (Thing) {
    option (google.api.http) = {post: "/v1/things/{thing_id}", body: "*"};
    option (strata.options.v1.method) = {scope: "", ceiling: {sensitivity: PUBLIC}};
  }
}
message ListThingsRequest {
  // Which shelf.
  string shelf_id = 1 [(strata.options.v1.field) = {sensitivity: INTERNAL, example: "s-1"}];
  uint32 page_size = 2 [(strata.options.v1.field) = {sensitivity: PUBLIC, maximum: 100}];
  Colour colour = 3 [(strata.options.v1.field) = {sensitivity: PUBLIC}];
  repeated string tags = 4 [(strata.options.v1.field) = {sensitivity: PUBLIC}];
  google.protobuf.Timestamp since = 5 [(strata.options.v1.field) = {sensitivity: PUBLIC}];
  google.protobuf.Duration within = 6 [(strata.options.v1.field) = {sensitivity: PUBLIC}];
  int64 least = 7 [(strata.options.v1.field) = {sensitivity: PUBLIC, required: true}];
}
message ChangeThingRequest {
  option (strata.options.v1.message) = {any_of: ["thing", "note"]};
  string thing_id = 1 [(strata.options.v1.field) = {sensitivity: INTERNAL}];
  Thing thing = 2;
  optional string note = 3 [(strata.options.v1.field) = {sensitivity: PUBLIC, pattern: "^[a-z]+$"}];
  string key = 4 [(strata.options.v1.field) = {
    sensitivity: CONFIDENTIAL, categories: [PERSONAL, LOCATION], kind: "key", required: true
  }];
}
// A thing.
message Thing {
  message Size {
    double metres = 1 [(strata.options.v1.field) = {sensitivity: PUBLIC}];
  }
  string name = 1 [(strata.options.v1.field) = {sensitivity: PUBLIC}];
  optional string nick = 2 [(strata.options.v1.field) = {sensitivity: PUBLIC}];
  int64 price_minor = 3 [(strata.options.v1.field) = {sensitivity: PUBLIC}];
  int32 count = 4 [(strata.options.v1.field) = {sensitivity: PUBLIC}];
  bytes picture = 5 [(strata.options.v1.field) = {sensitivity: PUBLIC}];
  Colour colour = 6 [(strata.options.v1.field) = {sensitivity: PUBLIC}];
  map<int32, Size> sizes = 7 [(strata.options.v1.field) = {sensitivity: PUBLIC}];
  google.protobuf.Timestamp made = 8 [(strata.options.v1.field) = {sensitivity: PUBLIC}];
  google.protobuf.UInt64Value sold = 9 [(strata.options.v1.field) = {sensitivity: PUBLIC}];
  repeated Thing parts = 10;
  oneof place {
    string shop = 11 [(strata.options.v1.field) = {sensitivity: PUBLIC}];
    string store = 12 [(strata.options.v1.field) = {sensitivity: PUBLIC}];
  }
}
// A colour.
enum Colour {
  // Not known.
  COLOUR_UNSPECIFIED = 0;
  COLOUR_RED = 1;
}
"#;

fn shop() -> Value {
    assert_eq!(fixture::findings("experience/shop", SHOP), [""; 0]);
    let contract = fixture::compile("experience/shop", SHOP).unwrap();
    document(&contract, &contract.versions[0]).unwrap()
}

fn statuses(operation: &Value) -> Vec<&str> {
    let responses = operation["responses"].as_object().unwrap();
    responses.keys().map(String::as_str).collect()
}

#[test]
fn it_says_what_the_api_is_and_who_answers_for_it() {
    let document = shop();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(
        document["info"],
        json!({
            "title": "Shop API",
            "description": "Sells things. To everybody.",
            "contact": {"name": "web-shop"},
            "version": "v1",
        })
    );
    let scheme = &document["components"]["securitySchemes"]["accessToken"];
    assert_eq!(scheme["scheme"], "bearer");
}

#[test]
fn an_operation_says_what_its_method_is() {
    let document = shop();
    let operation = &document["paths"]["/v1/shelves/{shelfId}/things"]["get"];
    for (member, value) in [
        ("operationId", json!("listThings")),
        ("tags", json!(["Shop"])),
        ("summary", json!("The things")),
        ("description", json!("The things. Newest first.")),
        ("deprecated", json!(true)),
        (
            "security",
            json!([{"accessToken": ["things:read", "shelves:read"]}]),
        ),
        (
            "x-strata-ceiling",
            json!({"sensitivity": "CONFIDENTIAL", "categories": ["PERSONAL"]}),
        ),
        ("x-strata-purpose", json!("sale")),
        ("x-strata-idempotent", json!(true)),
        ("x-strata-deprecated-after", json!("2027-01-31")),
        ("x-strata-sunset", json!("2027-12-31")),
    ] {
        assert_eq!(operation[member], value, "{member}");
    }
    let lines = &operation["responses"]["200"]["content"];
    let thing = json!({"$ref": "#/components/schemas/Thing"});
    let masked = json!({"$ref": "#/components/schemas/strata.Masked"});
    let answer = json!({"allOf": [thing, masked]});
    assert_eq!(lines, &json!({"application/x-ndjson": {"schema": answer}}));
    let headers = &operation["responses"]["200"]["headers"];
    for (name, value) in [
        ("Deprecation", "@1801353600"),
        ("Sunset", "Fri, 31 Dec 2027 00:00:00 GMT"),
    ] {
        let header = json!({"required": true, "schema": {"type": "string", "const": value}});
        assert_eq!(headers[name], header);
    }
    // A method without scopes still needs a user.
    let other = &document["paths"]["/v1/things/{thingId}"]["post"];
    assert_eq!(other["security"], json!([{"accessToken": []}]));
    assert!(other.get("deprecated").is_none());
}

#[test]
fn parameters_are_those_the_binder_takes() {
    let document = shop();
    let operation = &document["paths"]["/v1/shelves/{shelfId}/things"]["get"];
    let parameters = operation["parameters"].as_array().unwrap();
    let known: Vec<_> = parameters
        .iter()
        .map(|one| {
            let name = one["name"].as_str().unwrap();
            (name, one["in"].as_str().unwrap(), one["required"] == true)
        })
        .collect();
    assert_eq!(
        known,
        [
            ("shelfId", "path", true),
            ("pageSize", "query", false),
            ("colour", "query", false),
            ("tags", "query", false),
            ("since", "query", false),
            ("within", "query", false),
            ("least", "query", true),
        ]
    );
    let schema = |at: usize| parameters[at]["schema"].clone();
    assert_eq!(parameters[0]["description"], "Which shelf.");
    assert_eq!(
        schema(0),
        json!({"type": "string", "examples": ["s-1"], "maxLength": 1_024, "minLength": 1})
    );
    assert_eq!(
        schema(1),
        json!({"type": "integer", "format": "uint32", "minimum": 0, "maximum": 100})
    );
    assert_eq!(schema(2), json!({"$ref": "#/components/schemas/Colour"}));
    assert_eq!(
        schema(3),
        json!({
            "type": "array",
            "items": {"type": "string", "maxLength": 1_024},
            "maxItems": 1_000
        })
    );
    assert_eq!(schema(4), json!({"type": "string", "format": "date-time"}));
    assert_eq!(schema(6)["type"], "integer");
    assert_eq!(schema(6)["minimum"], i64::MIN);
}

#[test]
fn an_answer_holds_every_member_that_has_no_presence() {
    let document = shop();
    let thing = &document["components"]["schemas"]["Thing"];
    assert_eq!(thing["description"], "A thing.");
    assert_eq!(
        thing["required"],
        json!([
            "name",
            "priceMinor",
            "count",
            "picture",
            "colour",
            "sizes",
            "parts"
        ])
    );
    // What is not known yet is to be passed over by whoever reads it.
    assert!(thing.get("additionalProperties").is_none());
    let member = |name: &str| {
        let mut member = thing["properties"][name].clone();
        member.as_object_mut().unwrap().remove("x-strata-label");
        member
    };
    let whole = "^-?[0-9]+$";
    for (name, schema) in [
        ("nick", json!({"type": "string"})),
        (
            "priceMinor",
            json!({"type": "string", "format": "int64", "pattern": whole}),
        ),
        (
            "count",
            json!({"type": "integer", "format": "int32", "minimum": i32::MIN, "maximum": i32::MAX}),
        ),
        ("colour", json!({"$ref": "#/components/schemas/Colour"})),
        (
            "sizes",
            json!({
                "type": "object",
                "additionalProperties": {"$ref": "#/components/schemas/Thing.Size"},
                "propertyNames": {"pattern": whole},
            }),
        ),
        ("made", json!({"type": "string", "format": "date-time"})),
        (
            "sold",
            json!({"type": "string", "format": "uint64", "pattern": "^[0-9]+$"}),
        ),
        (
            "parts",
            json!({"type": "array", "items": {"$ref": "#/components/schemas/Thing"}}),
        ),
    ] {
        assert_eq!(member(name), schema, "{name}");
    }
    assert_eq!(member("picture")["contentEncoding"], "base64");
    assert_eq!(
        thing["allOf"],
        json!([{"not": {"required": ["shop", "store"]}}])
    );
    let colour = &document["components"]["schemas"]["Colour"];
    assert_eq!(colour["enum"], json!(["COLOUR_UNSPECIFIED", "COLOUR_RED"]));
    assert_eq!(
        colour["description"],
        "A colour.\n- `COLOUR_UNSPECIFIED`: Not known."
    );
}

#[test]
fn a_body_takes_what_the_json_mapping_reads_and_nothing_unknown() {
    let document = shop();
    let operation = &document["paths"]["/v1/things/{thingId}"]["post"];
    let body = &operation["requestBody"];
    assert_eq!(body["required"], true);
    let body = &body["content"]["application/json"]["schema"];
    // The path has the id already.
    let members: Vec<_> = body["properties"].as_object().unwrap().keys().collect();
    assert_eq!(members, ["thing", "note", "key"]);
    assert_eq!(body["additionalProperties"], false);
    assert_eq!(body["required"], json!(["key"]));
    let given = |name: &str| json!({"required": [name], "properties": { (name): {"not": {"type": "null"}} }});
    assert_eq!(body["anyOf"], json!([given("thing"), given("note")]));
    assert_eq!(
        body["properties"]["note"]["type"],
        json!(["string", "null"])
    );
    assert_eq!(body["properties"]["note"]["pattern"], "^[a-z]+$");
    assert_eq!(
        body["properties"]["key"]["x-strata-label"],
        json!({"sensitivity": "CONFIDENTIAL", "categories": ["PERSONAL", "LOCATION"], "kind": "key"})
    );
    let thing = json!({"$ref": "#/components/schemas/ThingInput"});
    assert_eq!(
        body["properties"]["thing"]["anyOf"],
        json!([thing, {"type": "null"}])
    );

    let input = &document["components"]["schemas"]["ThingInput"];
    assert!(input.get("required").is_none());
    let kind = |name: &str| input["properties"][name]["type"].clone();
    assert_eq!(kind("priceMinor"), json!(["string", "integer"]));
    assert_eq!(kind("count"), json!(["integer", "string"]));
    assert_eq!(kind("made"), json!(["string", "null"]));
    assert_eq!(
        document["components"]["schemas"]["ColourInput"]["enum"],
        json!(["COLOUR_UNSPECIFIED", "COLOUR_RED", 0, 1])
    );
}

#[test]
fn every_problem_that_can_come_is_there_and_no_other() {
    let document = shop();
    let always = [
        "400", "401", "403", "404", "429", "431", "500", "501", "503", "504",
    ];
    let read = &document["paths"]["/v1/shelves/{shelfId}/things"]["get"];
    // It is gone one day; the other is not.
    let mut ending = [&["200", "410"], &always[..]].concat();
    ending.sort_unstable();
    assert_eq!(statuses(read), ending);
    let write = &document["paths"]["/v1/things/{thingId}"]["post"];
    let mut more = [&["200", "409", "413", "415"], &always[..]].concat();
    more.sort_unstable();
    assert_eq!(statuses(write), more);
    for operation in [read, write] {
        for (status, response) in operation["responses"].as_object().unwrap() {
            let Some(reference) = response["$ref"].as_str() else {
                assert_eq!(status, "200");
                continue;
            };
            let response = document.pointer(&reference[1..]).unwrap();
            let example = &response["content"]["application/problem+json"]["example"];
            let shown = example["status"].as_u64().map(|status| status.to_string());
            assert!(status == "431" || shown.as_ref() == Some(status));
        }
    }
    let responses = &document["components"]["responses"];
    for (name, required) in [("Unauthorized", true), ("Forbidden", false)] {
        let challenge = &responses[name]["headers"]["WWW-Authenticate"];
        assert_eq!(challenge["required"], required, "{name}");
    }
    let missing = &responses["NotFound"]["headers"];
    assert!(missing.get("WWW-Authenticate").is_none());
}

#[test]
fn every_reference_leads_somewhere() {
    fn check(document: &Value, at: &Value) {
        match at {
            Value::Object(members) => {
                if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
                    let target = document.pointer(&reference[1..]);
                    assert!(target.is_some_and(Value::is_object), "{reference}");
                }
                members.values().for_each(|member| check(document, member));
            }
            Value::Array(items) => items.iter().for_each(|item| check(document, item)),
            _ => {}
        }
    }
    let document = shop();
    check(&document, &document);
}
