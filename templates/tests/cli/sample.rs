//! A small estate on disk: one service per layer, correct in every way until a test changes a file.

use std::{fs, path::Path};

use tempfile::TempDir;

/// Layer, service, and the service it calls in the layer below.
const SERVICES: [(&str, &str, &str); 3] = [
    ("system", "ledger", ""),
    ("process", "balance", "ledger"),
    ("experience", "app", "balance"),
];

const BASE: &str = "[listen]\naddress = \"0.0.0.0:8443\"\n[admin]\naddress = \"127.0.0.1:9443\"\n\
    [tls]\nmaterial = \"/run/strata/material\"\n";

/// What the labels of its contracts are read with.
const CLASSIFICATION: &str = r#"[kinds.amount]
meaning = "A sum."
least = { sensitivity = "internal" }
"#;

/// The contract of a service: what it returns is made from what it calls.
fn contract(layer: &str, name: &str, from: &str) -> String {
    let method = r#"scope: "balance:read", ceiling: {sensitivity: INTERNAL}"#;
    let (import, rpc) = match layer {
        "experience" => (
            "import \"google/api/annotations.proto\";",
            "rpc GetBalance(GetBalanceRequest) returns (Balance) {\n    \
             option (google.api.http) = {get: \"/v1/balance\"};",
        ),
        _ => ("", "rpc Get(GetBalanceRequest) returns (Balance) {"),
    };
    let service = name.replacen(|_: char| true, &name[..1].to_uppercase(), 1);
    let stated = layer.to_uppercase();
    let from = match from.split_once('/') {
        Some((layer, callee)) => format!(", from: [\"{layer}.{callee}.v1.Balance.minor\"]"),
        None => String::new(),
    };
    format!(
        r#"syntax = "proto3";
package {layer}.{name}.v1;
{import}
import "strata/options/v1/options.proto";
// Shows a balance.
service {service}Service {{
  option (strata.options.v1.service) = {{layer: {stated}, owner: "team"}};
  // The balance.
  {rpc}
    option (strata.options.v1.method) = {{{method}}};
  }}
}}
message GetBalanceRequest {{}}
message Balance {{
  int64 minor = 1 [(strata.options.v1.field) = {{sensitivity: INTERNAL, kind: "amount"{from}}}];
}}
"#
    )
}

pub(crate) struct Sample(TempDir);

impl Sample {
    pub(crate) fn new() -> Self {
        let sample = Self(tempfile::tempdir().unwrap());
        sample.write("shared/config/estate.toml", "");
        sample.write(
            "Cargo.toml",
            "[workspace]\nresolver = \"3\"\nmembers = [\"proto/system/*\", \"proto/process/*\", \
             \"proto/experience/*\", \"*-api/*\"]\n",
        );
        sample.annotations();
        sample.write("proto/classification.toml", CLASSIFICATION);
        for (layer, name, callee) in SERVICES {
            sample.package(
                &format!("proto/{layer}/{name}"),
                &format!("proto-{layer}-{name}"),
                "",
            );
            let dependency = |layer, name| {
                format!("proto-{layer}-{name} = {{ path = \"../../proto/{layer}/{name}\" }}\n")
            };
            let folder = format!("{layer}-api/{name}");
            let mut dependencies = dependency(layer, name);
            let mut from = String::new();
            let mut manifest = format!(
                "name = \"{name}\"\nlayer = \"{layer}\"\nowner = \"team\"\n\
                 description = \"A sample.\"\n"
            );
            if let Some((callee_layer, ..)) = SERVICES.iter().find(|(_, name, _)| *name == callee) {
                dependencies += &dependency(callee_layer, callee);
                from = format!("{callee_layer}/{callee}");
                manifest += &format!("[[calls]]\nservice = \"{callee}\"\nmethods = [\"Get\"]\n");
                sample.write(
                    &format!("{callee_layer}-api/{callee}/policy/callers.toml"),
                    &format!(
                        "[[callers]]\nservice = \"{name}\"\nlayer = \"{layer}\"\n\
                         methods = [\"Get\"]\n\
                         clearance = {{ sensitivity = \"internal\" }}\n"
                    ),
                );
            }
            sample.write(
                &format!("proto/{layer}/{name}/v1/{name}.proto"),
                &contract(layer, name, &from),
            );
            sample.package(&folder, &format!("{layer}-{name}"), &dependencies);
            sample.write(&format!("{folder}/service.toml"), &manifest);
            let database = "[database]\nurl = \"sqlite:data.db\"\nmax_connections = 2\n";
            let base = if layer == "system" {
                BASE.to_owned() + database
            } else {
                BASE.to_owned()
            };
            sample.write(&format!("{folder}/config/base.toml"), &base);
            for environment in ["dev", "test", "staging", "prod"] {
                sample.write(&format!("{folder}/config/{environment}.toml"), "");
            }
        }
        sample
    }

    pub(crate) fn root(&self) -> &Path {
        self.0.path()
    }

    /// The annotations of contracts, as they are.
    fn annotations(&self) {
        let options = Path::new(env!("CARGO_MANIFEST_DIR")).join("../proto/options");
        for file in [
            "google/api/annotations.proto",
            "google/api/http.proto",
            "strata/options/v1/options.proto",
        ] {
            let text = fs::read_to_string(options.join(file)).unwrap();
            self.write(&format!("proto/options/{file}"), &text);
        }
    }

    /// Writes a file, and the folders above it.
    pub(crate) fn write(&self, file: &str, text: &str) {
        let file = self.root().join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    pub(crate) fn read(&self, file: &str) -> String {
        fs::read_to_string(self.root().join(file)).unwrap()
    }

    /// Replaces text that must be there.
    #[track_caller]
    pub(crate) fn replace(&self, file: &str, from: &str, to: &str) {
        let text = self.read(file);
        assert!(text.contains(from), "{file} has no {from:?}");
        self.write(file, &text.replace(from, to));
    }

    fn package(&self, folder: &str, name: &str, dependencies: &str) {
        let manifest = format!(
            "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\
             [dependencies]\n{dependencies}"
        );
        self.write(&format!("{folder}/Cargo.toml"), &manifest);
        self.write(&format!("{folder}/src/lib.rs"), "");
    }
}
