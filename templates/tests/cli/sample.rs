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

/// What each offers.
const CONTRACTS: [(&str, &str); 3] = [
    (
        "proto/system/ledger/v1/ledger.proto",
        include_str!("contracts/ledger.proto"),
    ),
    (
        "proto/process/balance/v1/balance.proto",
        include_str!("contracts/balance.proto"),
    ),
    (
        "proto/experience/app/v1/app.proto",
        include_str!("contracts/app.proto"),
    ),
];

/// The kinds their values are of.
const CLASSIFICATION: &str = "\
[kinds.amount]\nmeaning = \"Money.\"\nleast = { sensitivity = \"internal\" }\n\
[kinds.holder_id]\nmeaning = \"Whose account.\"\nleast = { sensitivity = \"internal\" }\n\
[kinds.purchase]\nmeaning = \"What was bought.\"\nleast = { sensitivity = \"internal\" }\n";

/// What savers see: the balance whole, the latest booking masked.
const ROLES: &str = "[roles.saver]\n\
    clearance = { sensitivity = \"internal\", categories = [\"personal\"] }\n";

/// On which terms the API may be used, and by whom.
const PLANS: &str = "[plans.standard]\nquota = { requests = 1000, per = \"1day\" }\n\
    spike = { requests = 10, per = \"1s\" }\nmethods = [\"GetBalance\"]\n\
    ceiling = { sensitivity = \"confidential\", categories = [\"personal\"] }\n";
const CONSUMERS: &str = "[[consumers]]\nclient_id = \"savings-app\"\nowner = \"app team\"\n\
    plan = \"standard\"\nscopes = [\"balance:read\"]\npurpose = \"the balance in the app\"\n\
    review = \"2027-06-30\"\n";

/// Users may call the one method of a service.
fn access(service: &str) -> String {
    let method = if service == "app" {
        "GetBalance"
    } else {
        "Get"
    };
    format!(
        "@id(\"users-read\")\n@review(\"9999-12-31\")\npermit (\n  principal is User,\n  \
         action == Action::\"{method}\",\n  resource == Api::\"{service}\"\n);\n"
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
        for (file, contract) in CONTRACTS {
            sample.write(file, contract);
        }
        sample.write("proto/classification.toml", CLASSIFICATION);
        sample.write("experience-api/app/policy/roles.toml", ROLES);
        sample.write("experience-api/app/policy/plans.toml", PLANS);
        sample.write("experience-api/app/policy/consumers.toml", CONSUMERS);
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
            let mut manifest = format!(
                "name = \"{name}\"\nlayer = \"{layer}\"\nowner = \"team\"\n\
                 description = \"A sample.\"\n"
            );
            if let Some((callee_layer, ..)) = SERVICES.iter().find(|(_, name, _)| *name == callee) {
                dependencies += &dependency(callee_layer, callee);
                manifest += &format!("[[calls]]\nservice = \"{callee}\"\nmethods = [\"Get\"]\n");
                sample.write(
                    &format!("{callee_layer}-api/{callee}/policy/callers.toml"),
                    &format!(
                        "[[callers]]\nservice = \"{name}\"\nlayer = \"{layer}\"\n\
                         methods = [\"Get\"]\nclearance = {{ sensitivity = \"confidential\", \
                         categories = [\"personal\"] }}\n"
                    ),
                );
            }
            sample.write(&format!("{folder}/policy/access.cedar"), &access(name));
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
