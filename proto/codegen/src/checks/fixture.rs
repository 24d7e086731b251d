//! Honest contracts, and what the checks say once one thing in them is broken.

use std::{fs, path::Path};

use tempfile::TempDir;

use crate::{Located, compile::Contract, finding::Finding, folder::Folder};

/// An honest System contract, `proto/system/price-list`.
pub(crate) const SYSTEM: &str = r#"syntax = "proto3";
package system.price_list.v1;
import "google/protobuf/timestamp.proto";
import "strata/options/v1/options.proto";
service PriceListService {
  option (strata.options.v1.service) = {layer: SYSTEM, owner: "pricing"};
  rpc GetPrice(GetPriceRequest) returns (Price) {
    option (strata.options.v1.method) = {
      scope: "prices:read"
      ceiling: {sensitivity: INTERNAL, categories: [PERSONAL]}
      resource: "sku"
    };
  }
}
message GetPriceRequest {
  string sku = 1 [(strata.options.v1.field) = {sensitivity: PUBLIC}];
}
message Price {
  enum State {
    STATE_UNSPECIFIED = 0;
  }
  message Amount {
    int64 minor = 1 [(strata.options.v1.field) = {sensitivity: INTERNAL}];
  }
  Amount amount = 1;
  google.protobuf.Timestamp since = 2 [(strata.options.v1.field) = {sensitivity: INTERNAL}];
  State state = 3 [(strata.options.v1.field) = {sensitivity: INTERNAL, categories: [PERSONAL]}];
  map<string, Amount> by_region = 4 [(strata.options.v1.field) = {sensitivity: INTERNAL}];
  repeated string tags = 5 [(strata.options.v1.field) = {
    sensitivity: PUBLIC
  }];
}
"#;

/// An honest Experience contract, `proto/experience/desk`.
pub(crate) const EXPERIENCE: &str = r#"syntax = "proto3";
package experience.desk.v1;
import "google/api/annotations.proto";
import "google/protobuf/timestamp.proto";
import "strata/options/v1/options.proto";
service DeskService {
  option (strata.options.v1.service) = {layer: EXPERIENCE, owner: "desk", changes: [{date: "2026-01-31", text: "The first version."}]};
  rpc GetTicket(GetTicketRequest) returns (Ticket) {
    option (google.api.http) = {get: "/v1/tickets/{ticket_id}"};
    option (strata.options.v1.method) = {scope: "", ceiling: {sensitivity: INTERNAL}};
  }
  rpc PutTicket(PutTicketRequest) returns (Ticket) {
    option (google.api.http) = {put: "/v1/tickets/{ticket_id}", body: "ticket"};
    option (strata.options.v1.method) = {scope: "", ceiling: {sensitivity: INTERNAL}};
  }
}
message GetTicketRequest {
  string ticket_id = 1 [(strata.options.v1.field) = {sensitivity: INTERNAL}];
  google.protobuf.Timestamp as_of = 2 [(strata.options.v1.field) = {sensitivity: INTERNAL}];
  repeated string tags = 3 [(strata.options.v1.field) = {sensitivity: INTERNAL}];
}
message PutTicketRequest {
  string ticket_id = 1 [(strata.options.v1.field) = {sensitivity: INTERNAL}];
  Ticket ticket = 2;
}
message Ticket {
  string title = 1 [(strata.options.v1.field) = {sensitivity: INTERNAL}];
}
"#;

/// Another contract, for what must not be imported.
const OTHER: &str = "syntax = \"proto3\";\npackage system.other.v1;\nmessage Other {}\n";

/// What the labels of the contracts here are read with.
const CLASSIFICATION: &str = "[kinds.key]\nmeaning = \"A key.\"\n\
    least = { sensitivity = \"internal\" }\n";

/// The folder of all contracts, `proto` as the one file of `<folder>/v1`.
fn root(folder: &str, proto: &str) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    let write = |file: &str, text: &str| {
        let file = root.path().join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    };
    let options = Path::new(env!("CARGO_MANIFEST_DIR")).join("../options");
    for file in [
        "strata/options/v1/options.proto",
        "google/api/http.proto",
        "google/api/annotations.proto",
    ] {
        write(
            &format!("options/{file}"),
            &fs::read_to_string(options.join(file)).unwrap(),
        );
    }
    write("classification.toml", CLASSIFICATION);
    write("system/other/v1/contract.proto", OTHER);
    write(&format!("{folder}/v1/contract.proto"), proto);
    root
}

/// Compiles `proto` as the one file of `proto/<folder>/v1`.
pub(crate) fn compile(folder: &str, proto: &str) -> Result<Contract, String> {
    let root = root(folder, proto);
    Folder::locate(&root.path().join(folder))
        .and_then(Contract::compile)
        .map_err(|finding| finding.to_string())
}

/// What the build says about `proto` in `proto/<folder>/v1`.
pub(crate) fn findings(folder: &str, proto: &str) -> Vec<String> {
    let root = root(folder, proto);
    let findings = match Located::at(&root.path().join(folder)) {
        Ok(located) => located.check().findings,
        Err(findings) => findings,
    };
    findings.iter().map(Finding::to_string).collect()
}

/// Asserts that `proto` has no finding, and `expected` after `honest` has become `wrong`.
#[track_caller]
fn breaks(folder: &str, proto: &str, honest: &str, wrong: &str, expected: &[impl AsRef<str>]) {
    assert_eq!(findings(folder, proto), [""; 0]);
    assert!(
        proto.contains(honest),
        "the honest contract has no `{honest}`"
    );
    let expected: Vec<_> = expected.iter().map(AsRef::as_ref).collect();
    assert_eq!(findings(folder, &proto.replace(honest, wrong)), expected);
}

/// [`breaks`] of [`SYSTEM`].
#[track_caller]
pub(crate) fn system(honest: &str, wrong: &str, expected: &[impl AsRef<str>]) {
    breaks("system/price-list", SYSTEM, honest, wrong, expected);
}

/// [`breaks`] of [`EXPERIENCE`].
#[track_caller]
pub(crate) fn experience(honest: &str, wrong: &str, expected: &[impl AsRef<str>]) {
    breaks("experience/desk", EXPERIENCE, honest, wrong, expected);
}
