use std::fs;

use strata_estate::ServiceFolder;

use super::{
    calling::{Callee, Calling},
    contract, *,
};

/// The services the repository comes with.
const SAMPLES: [&str; 4] = [
    "system-customers",
    "system-orders",
    "process-customer-overview",
    "experience-storefront",
];

/// The plan a sample would have been made from.
fn plan(workspace: &Workspace, sample: &ServiceFolder) -> Plan {
    let manifest = sample.manifest.clone();
    let callees = manifest.calls.iter().map(|call| Callee {
        name: call.service.clone(),
        methods: call
            .methods
            .iter()
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
