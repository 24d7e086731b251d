//! A limit is stated where it means something, and everything a request can hold has one.

use prost_reflect::{FieldDescriptor, Kind};

use crate::{compile::Contract, finding::Finding, limits};

/// The well-known types whose values cannot grow.
const OF_FIXED_SIZE: [&str; 10] = [
    "Timestamp",
    "Duration",
    "Empty",
    "BoolValue",
    "DoubleValue",
    "FloatValue",
    "Int32Value",
    "Int64Value",
    "UInt32Value",
    "UInt64Value",
];

pub(super) fn check(contract: &Contract, findings: &mut Vec<Finding>) {
    for version in &contract.versions {
        for field in version
            .messages()
            .iter()
            .flat_map(|message| message.fields())
        {
            for problem in misplaced(contract, &field) {
                findings.push(Finding::of(&field, problem));
            }
        }
        for message in limits::requests(version) {
            for field in message.fields() {
                if let Some(unbounded) = unbounded(&field) {
                    let problem = format!(
                        "can come in a request and holds google.protobuf.{unbounded}, which has no \
                         bound: use a string, bytes or a message of the contract"
                    );
                    findings.push(Finding::of(&field, problem));
                }
            }
        }
    }
}

fn misplaced(contract: &Contract, field: &FieldDescriptor) -> Vec<&'static str> {
    let annotations = contract.options.field(field);
    let has_length = limits::kinds(field)
        .iter()
        .any(|kind| matches!(kind, Kind::String | Kind::Bytes));
    let is_many = field.is_list() || field.is_map();
    let mut problems = Vec::new();
    match annotations.max_length {
        Some(_) if !has_length => {
            problems.push("states max_length, but holds neither text nor bytes: remove it");
        }
        Some(0) => problems.push("has max_length 0: state how long it may be, or remove the field"),
        _ => {}
    }
    match annotations.max_items {
        Some(_) if !is_many => {
            problems.push("states max_items, but is neither a list nor a map: remove it");
        }
        Some(0) => {
            problems.push("has max_items 0: state how many it may hold, or remove the field");
        }
        _ => {}
    }
    problems
}

fn unbounded(field: &FieldDescriptor) -> Option<String> {
    limits::kinds(field)
        .into_iter()
        .find_map(|kind| match kind {
            Kind::Message(message)
                if message.package_name() == "google.protobuf"
                    && !OF_FIXED_SIZE.contains(&message.name()) =>
            {
                Some(message.name().to_owned())
            }
            _ => None,
        })
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{SYSTEM, findings, system};

    const SKU: &str = "sku = 1 [(strata.options.v1.field) = {sensitivity: PUBLIC}]";

    fn sku(limit: &str) -> String {
        SKU.replace("PUBLIC}", &format!("PUBLIC, {limit}}}"))
    }

    #[test]
    fn a_limit_stands_where_it_means_something() {
        system(SKU, &sku("max_length: 20"), &[""; 0]);
        let at = "system/price-list/v1/contract.proto";
        for (honest, wrong, expected) in [
            (
                SKU,
                sku("max_length: 0"),
                "16: message GetPriceRequest, field sku has max_length 0: state how long it may be, \
                 or remove the field",
            ),
            (
                SKU,
                sku("max_items: 2"),
                "16: message GetPriceRequest, field sku states max_items, but is neither a list nor \
                 a map: remove it",
            ),
            (
                "minor = 1 [(strata.options.v1.field) = {sensitivity: INTERNAL}]",
                "minor = 1 [(strata.options.v1.field) = {sensitivity: INTERNAL, max_length: 9}]"
                    .to_owned(),
                "23: message Amount, field minor states max_length, but holds neither text nor \
                 bytes: remove it",
            ),
            (
                "by_region = 4 [(strata.options.v1.field) = {sensitivity: INTERNAL}]",
                "by_region = 4 [(strata.options.v1.field) = {sensitivity: INTERNAL, max_items: 0}]"
                    .to_owned(),
                "28: message Price, field by_region has max_items 0: state how many it may hold, or \
                 remove the field",
            ),
        ] {
            system(honest, &wrong, &[format!("{at}:{expected}")]);
        }
    }

    #[test]
    fn a_request_holds_nothing_without_a_bound() {
        let proto = SYSTEM
            .replace(
                "import \"google/protobuf/timestamp.proto\";",
                "import \"google/protobuf/timestamp.proto\";\nimport \"google/protobuf/struct.proto\";",
            )
            .replace(
                "message Price {",
                "message Details {\n  google.protobuf.Struct any = 1 [(strata.options.v1.field) = \
                 {sensitivity: PUBLIC}];\n}\nmessage Price {\n  Details details = 9;",
            );
        assert_eq!(findings("system/price-list", &proto), [""; 0]);
        let asked = proto.replace("string sku", "Details details = 2;\n  string sku");
        assert_eq!(
            findings("system/price-list", &asked),
            [
                "system/price-list/v1/contract.proto:21: message Details, field any can come in a \
                 request and holds google.protobuf.Struct, which has no bound: use a string, bytes or \
                 a message of the contract"
            ]
        );
    }
}
