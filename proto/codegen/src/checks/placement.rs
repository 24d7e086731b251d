//! Folder, package and service say the same layer and name.

use heck::ToUpperCamelCase;
use prost_reflect::{FileDescriptor, ServiceDescriptor, Syntax};

use crate::{
    compile::{Contract, Version},
    finding::Finding,
};

/// What a contract may import besides its own files: the annotations and the well-known types.
/// Contracts share no types, so that each can change alone.
const COMMON: [&str; 3] = ["strata/options/v1/", "google/api/", "google/protobuf/"];

pub(super) fn check(contract: &Contract, findings: &mut Vec<Finding>) {
    for version in &contract.versions {
        for file in &version.files {
            check_file(contract, version, file, findings);
        }
        check_services(contract, version, findings);
    }
}

fn check_file(
    contract: &Contract,
    version: &Version,
    file: &FileDescriptor,
    findings: &mut Vec<Finding>,
) {
    let expected = contract.folder.package(&version.name);
    if file.package_name() != expected {
        findings.push(Finding::at(
            file,
            // FileDescriptorProto.package
            &[2],
            &format!("package `{}`", file.package_name()),
            format!("does not match the folder: write `package {expected};` or move the file"),
        ));
    }
    if file.syntax() != Syntax::Proto3 {
        findings.push(Finding::new(
            file.name(),
            "",
            "is not proto3: write `syntax = \"proto3\";`",
        ));
    }
    let own = format!("{}/{}/", contract.folder.layer, contract.folder.name);
    for import in file.dependencies() {
        let name = import.name();
        if !name.starts_with(&own) && !COMMON.iter().any(|common| name.starts_with(common)) {
            findings.push(Finding::new(
                file.name(),
                &format!("import \"{name}\""),
                "is another contract's: declare what is needed here, contracts share no types",
            ));
        }
    }
}

fn check_services(contract: &Contract, version: &Version, findings: &mut Vec<Finding>) {
    let expected = format!("{}Service", contract.folder.name.to_upper_camel_case());
    let mut services = version.services();
    match services.next() {
        None => findings.push(Finding::new(
            &format!(
                "{}/{}/{}",
                contract.folder.layer, contract.folder.name, version.name
            ),
            "",
            format!("declares no service: add `service {expected}`"),
        )),
        Some(service) => check_service(contract, &service, &expected, findings),
    }
    for service in services {
        findings.push(Finding::at(
            &service.parent_file(),
            service.path(),
            &format!("service {}", service.name()),
            "is a second service: a contract has one, give this one its own folder",
        ));
    }
}

fn check_service(
    contract: &Contract,
    service: &ServiceDescriptor,
    expected: &str,
    findings: &mut Vec<Finding>,
) {
    let layer = contract.folder.layer;
    let stated = contract.options.service(service);
    let subject = format!("service {}", service.name());
    let mut find = |problem: String| {
        findings.push(Finding::at(
            &service.parent_file(),
            service.path(),
            &subject,
            problem,
        ));
    };
    if service.name() != expected {
        find(format!("does not match the folder: call it `{expected}`"));
    }
    match stated.layer().named() {
        Some(stated) if stated == layer => {}
        Some(stated) => find(format!(
            "is of the {stated} layer and lies in proto/{layer}: move the contract to \
             proto/{stated} or correct its layer"
        )),
        None => find(format!(
            "states no layer: write `option (strata.options.v1.service) = {{layer: {}, owner: \
             \"<team>\"}};`",
            layer.as_str().to_uppercase()
        )),
    }
    if stated.owner.trim().is_empty() {
        find("has no owner: name the team in (strata.options.v1.service)".to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{SYSTEM, findings, system};

    #[test]
    fn package_and_folder_agree() {
        system(
            "package system.price_list.v1",
            "package system.prices.v1",
            &[
                "system/price-list/v1/contract.proto:2: package `system.prices.v1` does not match the \
               folder: write `package system.price_list.v1;` or move the file",
            ],
        );
    }

    #[test]
    fn a_contract_lies_in_its_own_layers_folder() {
        assert_eq!(findings("system/price-list", SYSTEM), [""; 0]);
        assert_eq!(
            findings("process/price-list", SYSTEM),
            [
                "process/price-list/v1/contract.proto:2: package `system.price_list.v1` does not match \
                 the folder: write `package process.price_list.v1;` or move the file",
                "process/price-list/v1/contract.proto:5: service PriceListService is of the system \
                 layer and lies in proto/process: move the contract to proto/system or correct its \
                 layer",
            ]
        );
        let elsewhere = findings("gateway/price-list", SYSTEM);
        assert_eq!(elsewhere.len(), 1);
        assert!(
            elsewhere[0]
                .ends_with("gateway/price-list: is no contract folder: use proto/<layer>/<name>"),
            "{elsewhere:?}"
        );
    }

    #[test]
    fn a_service_says_what_it_is() {
        let option = "option (strata.options.v1.service) = {layer: SYSTEM, owner: \"pricing\"};";
        system(
            option,
            "",
            &[
                "system/price-list/v1/contract.proto:5: service PriceListService states no layer: \
                 write `option (strata.options.v1.service) = {layer: SYSTEM, owner: \"<team>\"};`",
                "system/price-list/v1/contract.proto:5: service PriceListService has no owner: name \
                 the team in (strata.options.v1.service)",
            ],
        );
        system(
            "service PriceListService",
            "service Prices",
            &[
                "system/price-list/v1/contract.proto:5: service Prices does not match the folder: call \
               it `PriceListService`",
            ],
        );
    }

    #[test]
    fn a_contract_has_one_service() {
        let second = "service More {}\nmessage GetPriceRequest";
        system(
            "message GetPriceRequest",
            second,
            &[
                "system/price-list/v1/contract.proto:15: service More is a second service: a contract \
               has one, give this one its own folder",
            ],
        );
        assert_eq!(
            findings(
                "system/price-list",
                "syntax = \"proto3\";\npackage system.price_list.v1;\n"
            ),
            ["system/price-list/v1: declares no service: add `service PriceListService`"]
        );
    }

    #[test]
    fn a_contract_shares_no_types() {
        let import = "import \"google/protobuf/timestamp.proto\";";
        system(
            import,
            &format!("{import} import \"system/other/v1/contract.proto\";"),
            &[
                "system/price-list/v1/contract.proto: import \"system/other/v1/contract.proto\" is \
               another contract's: declare what is needed here, contracts share no types",
            ],
        );
    }

    #[test]
    fn a_contract_is_proto3() {
        let proto = SYSTEM
            .replace("proto3", "proto2")
            .replace("  string sku", "  optional string sku");
        let proto =
            proto.split("message Price {").next().unwrap().to_owned() + "message Price {}\n";
        assert_eq!(
            findings("system/price-list", &proto),
            ["system/price-list/v1/contract.proto: is not proto3: write `syntax = \"proto3\";`"]
        );
    }
}
