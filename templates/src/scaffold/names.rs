//! Rust names of protobuf names, as the generator of the contracts makes them.

use heck::{ToSnakeCase as _, ToUpperCamelCase as _};
use prost_reflect::MessageDescriptor;
use strata_config::{InvalidName, check_service_name};

/// The package of the types every contract may use.
pub(super) const WELL_KNOWN: &str = "google.protobuf";

/// The crate that has them in Rust.
pub(super) const WELL_KNOWN_CRATE: &str = "pbjson_types";

/// A function's, field's or module's name.
pub(super) fn value(name: &str) -> String {
    let name = name.to_snake_case();
    match name.as_str() {
        // What cannot be a raw identifier.
        "self" | "super" | "crate" | "extern" => format!("{name}_"),
        _ if check_service_name(&name) == Err(InvalidName::Keyword) => format!("r#{name}"),
        _ => name,
    }
}

/// The path of a message's type; `module` is that of its version.
pub(super) fn path(module: &str, message: &MessageDescriptor) -> String {
    let name = message.name().to_upper_camel_case();
    if message.package_name() == WELL_KNOWN {
        return format!("{WELL_KNOWN_CRATE}::{name}");
    }
    let mut outer = Vec::new();
    let mut parent = message.parent_message();
    while let Some(message) = parent {
        outer.push(value(message.name()) + "::");
        parent = message.parent_message();
    }
    outer.reverse();
    format!("{module}::{}{name}", outer.concat())
}
