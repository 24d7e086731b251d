use std::fs;

use strata_estate::ServiceFolder;

use super::{
    calling::{Callee, Calling},
    contract, *,
};

/// The services the repository comes with.
const SAMPLES: [&str; 5] = [
    "system-customers",
    "system-orders",
    "process-customer-overview",
    "experience-storefront",
    "experience-support-desk",
];

/// A method of two samples that no template calls.
const STREAMS: &str = "StreamOrders";

/// The plan a sample would have been made from.
fn plan(workspace: &Workspace, sample: &ServiceFolder) -> Plan {
    let manifest = sample.manifest.clone();
    let callees = manifest.calls.iter().map(|call| Callee {
        name: call.service.clone(),
        methods: call
            .methods
            .iter()
            .filter(|name| *name != STREAMS)
            .map(|name| {
                let below = manifest.callee().unwrap();
                contract::method(workspace, below, &call.service, name).unwrap()
            })
            .collect(),
    });
    Plan {
        layer: manifest.layer,
        callees: callees.collect(),
        name: manifest.name,
        owner: manifest.owner,
        description: manifest.description,
    }
}

/// `text` without the dependencies that the rendering does not have: those of the domain code.
fn without_own_dependencies(text: &str, rendered: &str) -> String {
    let (package, dependencies) = text.split_once("[dependencies]\n").unwrap();
    let kept = dependencies
        .lines()
        .filter(|line| rendered.lines().any(|other| other == *line));
    let kept: String = kept.map(|line| format!("{line}\n")).collect();
    format!("{package}[dependencies]\n{kept}")
}

#[test]
fn the_samples_are_rendered_templates_plus_domain_code() {
    let workspace = Workspace::find().unwrap();
    let mut samples = workspace.services().unwrap();
    samples.retain(|service| SAMPLES.contains(&service.binary.as_str()));
    assert_eq!(samples.len(), SAMPLES.len());
    for sample in samples {
        let plan = plan(&workspace, &sample);
        let calling = Calling::new(plan.layer, &plan.name, &plan.callees);
        let staged = tempfile::tempdir().unwrap();
        let files = render::stage(&plan, &calling, staged.path(), workspace.root()).unwrap();
        for file in files {
            let rendered = fs::read_to_string(staged.path().join(&file)).unwrap();
            let place = workspace.root().join(&file);
            let text = fs::read_to_string(&place).unwrap_or_default();
            let file = file.to_str().unwrap();
            let name = place.file_name().unwrap().to_str().unwrap();
            match name {
                "Cargo.toml" => assert_eq!(
                    without_own_dependencies(&text, &rendered),
                    rendered,
                    "{file}"
                ),
                "callers.toml" => assert!(text.starts_with(&rendered), "{file}"),
                // Who may call is a service's own.
                "access.cedar" => {
                    assert!(text.starts_with(rendered.lines().next().unwrap()), "{file}");
                }
                "service.toml" => {
                    let once = text.replace(&format!(", \"{STREAMS}\""), "");
                    assert_eq!(once, rendered, "{file}");
                }
                // A channel's users are its own.
                "roles.toml" => {
                    let role = |line: &&str| line.starts_with("[roles.");
                    for line in rendered.lines().filter(|line| !role(line)) {
                        assert!(text.lines().any(|own| own == line), "{file}: {line}");
                    }
                    let same = text == rendered;
                    assert!(same || !text.contains("[roles.customer]"), "{file}");
                }
                // What is offered, and to whom.
                "plans.toml" | "consumers.toml" => assert!(!text.is_empty(), "{file}"),
                // Domain code, by its nature.
                "api.rs" | "domain.rs" | "seed.rs" | "store.rs" | "upstream.rs" => {
                    assert!(!text.is_empty(), "{file}");
                }
                "lib.rs" if file.contains("-api/") => assert!(!text.is_empty(), "{file}"),
                _ if name.ends_with(".proto") || name.ends_with(".sql") => {}
                _ => assert_eq!(text, rendered, "{file}"),
            }
        }
    }
}

const ODD: &str = r#"
syntax = "proto3";
package system.odd.v1;
import "google/protobuf/timestamp.proto";
import "strata/options/v1/options.proto";

service OddService {
  rpc Read(Odd) returns (Odd);
  rpc Watch(Odd) returns (stream Odd);
  rpc Drop(Odd) returns (Odd) { option deprecated = true; }
}

message Odd {
  option (strata.options.v1.message) = {any_of: ["fn", "left", "secret"]};
  string fn = 1 [(strata.options.v1.field) = {
    sensitivity: INTERNAL, required: true, pattern: "^\\+a$", example: "+a"
  }];
  string secret = 2 [(strata.options.v1.field) = {sensitivity: RESTRICTED}];
  oneof choice {
    string left = 3 [(strata.options.v1.field) = {sensitivity: INTERNAL}];
    Plain right = 4;
  }
  map<string, int64> counts = 5 [(strata.options.v1.field) = {sensitivity: INTERNAL}];
  map<string, Plain> plains = 6 [(strata.options.v1.field) = {sensitivity: INTERNAL}];
  optional bool old = 7 [deprecated = true, (strata.options.v1.field) = {sensitivity: INTERNAL}];
  Odd itself = 8;
  Back back = 9;
  repeated Plain many = 10;
  optional google.protobuf.Timestamp at = 11 [(strata.options.v1.field) = {sensitivity: INTERNAL}];
  Inner inner = 12;
  Hidden hidden = 13;
  message Inner { bool value = 1 [(strata.options.v1.field) = {sensitivity: INTERNAL}]; }
}
message Plain {
  bytes raw = 1 [(strata.options.v1.field) = {
    sensitivity: CONFIDENTIAL, categories: [SPECIAL_CATEGORY], kind: "raw", mask: INITIAL
  }];
}
message Back { Odd odd = 1; }
message Hidden { string all = 1 [(strata.options.v1.field) = {sensitivity: RESTRICTED}]; }
"#;

/// What an odd contract in a workspace of its own becomes when a Process API calls its `method`.
fn odd(method: &str) -> Result<serde_json::Value> {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("proto/system/odd/v1");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("odd.proto"), ODD).unwrap();
    let options = Workspace::find().unwrap().root().join("proto/options");
    std::os::unix::fs::symlink(options, root.path().join("proto/options")).unwrap();
    let workspace = Workspace::at(root.path());
    let callee = Callee {
        name: "odd".to_owned(),
        methods: vec![contract::method(
            &workspace,
            strata_core::Layer::System,
            "odd",
            method,
        )?],
    };
    let calling = Calling::new(strata_core::Layer::Process, "even", &[callee]);
    Ok(serde_json::to_value(calling).unwrap())
}

#[test]
fn only_what_can_be_passed_on_is() {
    let calling = odd("Read").unwrap();
    let fields = |message: usize| -> Vec<&str> {
        let fields = calling["messages"][message]["fields"].as_array().unwrap();
        fields
            .iter()
            .map(|field| field["name"].as_str().unwrap())
            .collect()
    };
    assert_eq!(fields(0), ["fn", "secret", "at"]);
    assert_eq!(fields(1), ["fn", "counts", "many", "at"]);
    assert_eq!(fields(2), ["raw"]);
    assert_eq!(calling["messages"].as_array().unwrap().len(), 3);
    assert_eq!(calling["messages"][1]["fields"][0]["rust"], "r#fn");
    assert_eq!(
        calling["messages"][2]["fields"][0]["annotation"],
        " [(strata.options.v1.field) = {\n    sensitivity: CONFIDENTIAL, categories: \
         [SPECIAL_CATEGORY], kind: \"raw\", mask: INITIAL\n    from: \
         [\"system.odd.v1.Plain.raw\"]\n  }]"
    );
    // What a value must be is said of requests, and of what is passed on.
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let limits = "required: true, pattern: \"^\\\\+a$\", example: \"+a\"";
    for (message, said) in [(0, true), (1, false)] {
        let annotation = text(&calling["messages"][message]["fields"][0]["annotation"]);
        assert_eq!(annotation.contains(limits), said, "{annotation}");
    }
    let option = |message: usize| text(&calling["messages"][message]["option"]);
    assert_eq!(option(0), "{any_of: [\"fn\", \"secret\"]}");
    assert_eq!(option(1), "");
    assert_eq!(
        calling["methods"][0]["ceiling"],
        "{sensitivity: CONFIDENTIAL, categories: [SPECIAL_CATEGORY]}"
    );
    assert_eq!(calling["methods"][0]["complete"], false);
}

#[test]
fn what_no_template_can_call_is_refused() {
    let refusal = |method| odd(method).unwrap_err().to_string();
    assert_eq!(
        refusal("Watch"),
        "Watch streams, which no template does: leave it out and add the call by hand"
    );
    assert_eq!(refusal("Drop"), "Drop is deprecated: call what replaces it");
    assert_eq!(
        refusal("Read2"),
        "system-odd has no method Read2: use one of Drop, Read, Watch, or add it to its contract \
         first"
    );
}
