//! Each Experience API, asked in every way its document allows and in many that it does not: no
//! server error, and no answer that is not documented.

use strata_core::Layer;
use strata_estate::Workspace;
use strata_tests::{
    Rig,
    programs::{outcome, python},
};
use tokio::process::Command;

pub(crate) async fn every_answer_is_as_documented(rig: &mut Rig) {
    let workspace = Workspace::find().unwrap();
    let root = workspace.root();
    let Some(tools) = python("openapi").await.unwrap() else {
        return;
    };
    let edges = rig.estate.services().iter();
    let edges = edges.filter(|service| service.layer == Layer::Experience);
    let mut asked = 0;
    for service in edges {
        // Somebody whom the service has something to show.
        let token = match service.name.as_str() {
            "support-desk" => rig.agent_token(Some("uk")),
            _ => rig.token("cus_000001"),
        };
        let token = token.unwrap();
        let url = rig.estate.edge_url(&service.name).unwrap();
        let contract = root.join("proto/experience").join(&service.name);
        for document in strata_codegen::openapi(&contract).unwrap() {
            let mut schemathesis = Command::new(tools.join("schemathesis"));
            schemathesis
                .current_dir(root)
                .args(["--config-file", "tests/openapi/schemathesis.toml", "run"])
                .arg(format!("{url}/{}/openapi.json", document.version))
                .arg("--tls-verify")
                .arg(rig.estate.edge_ca())
                .env("STRATA_TOKEN", &token)
                .env("PYTHONPATH", root.join("tests/openapi"))
                .env(
                    "HYPOTHESIS_STORAGE_DIRECTORY",
                    root.join("target/hypothesis"),
                );
            outcome(schemathesis, b"").await.unwrap();
            asked += 1;
        }
    }
    assert!(asked > 0, "there is no Experience API");
}
