//! Numbers as the protobuf JSON mapping writes and reads them.

use prost_reflect::Kind;
use serde_json::{Value, json};

use super::{insert, schema::Direction};

/// A number; in a body also as text, which is how infinities are written.
pub(super) fn number(kind: &Kind, way: Direction) -> Value {
    let format = if *kind == Kind::Float {
        "float"
    } else {
        "double"
    };
    match way {
        Direction::Request => json!({"type": ["number", "string"], "format": format}),
        Direction::Parameter | Direction::Response => json!({"type": "number", "format": format}),
    }
}

/// A whole number of 32 bits.
pub(super) fn integer32(signed: bool, way: Direction) -> Value {
    let mut schema = if signed {
        json!({"type": "integer", "format": "int32", "minimum": i32::MIN, "maximum": i32::MAX})
    } else {
        json!({"type": "integer", "format": "uint32", "minimum": 0, "maximum": u32::MAX})
    };
    if way == Direction::Request {
        insert(&mut schema, "type", json!(["integer", "string"]));
        insert(&mut schema, "pattern", json!(digits(signed)));
    }
    schema
}

/// A whole number of 64 bits: a text in JSON, because JSON's numbers lose digits beyond 2^53.
pub(super) fn integer64(signed: bool, way: Direction) -> Value {
    let mut schema = if signed {
        json!({"type": "integer", "format": "int64", "minimum": i64::MIN, "maximum": i64::MAX})
    } else {
        json!({"type": "integer", "format": "uint64", "minimum": 0, "maximum": u64::MAX})
    };
    let pattern = digits(signed);
    match way {
        Direction::Parameter => {}
        Direction::Request => {
            insert(&mut schema, "type", json!(["string", "integer"]));
            insert(&mut schema, "pattern", json!(pattern));
        }
        Direction::Response => {
            let format = schema.get("format");
            return json!({"type": "string", "format": format, "pattern": pattern});
        }
    }
    schema
}

const fn digits(signed: bool) -> &'static str {
    if signed { "^-?[0-9]+$" } else { "^[0-9]+$" }
}
