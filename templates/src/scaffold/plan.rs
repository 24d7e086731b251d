//! What is asked for, checked before anything is written.

use anyhow::{Context as _, Result, anyhow, ensure};
use strata_config::check_service_name;
use strata_core::Layer;
use strata_estate::{ServiceFolder, Workspace};

use super::{calling::Callee, contract};

/// What was asked for on the command line.
pub(crate) struct Asked<'a> {
    pub(crate) layer: &'a str,
    pub(crate) name: &'a str,
    pub(crate) owner: &'a str,
    pub(crate) description: Option<&'a str>,
    /// `<service>/<Method>` each.
    pub(crate) calls: &'a [String],
}

/// A service that can be made.
pub(super) struct Plan {
    pub(super) layer: Layer,
    pub(super) name: String,
    pub(super) owner: String,
    pub(super) description: String,
    pub(super) callees: Vec<Callee>,
}

impl Plan {
    /// Checks everything that can be wrong.
    pub(super) fn of(workspace: &Workspace, asked: &Asked<'_>) -> Result<Self> {
        let layer: Layer = asked.layer.parse()?;
        let name = asked.name;
        check_service_name(name).map_err(|invalid| anyhow!("the name `{name}` {invalid}"))?;
        // protobuf resolves names from the inside out: in a package `system.google.v1` the name
        // `google.api.http` would start at that package.
        ensure!(
            !["google", "strata"].contains(&name),
            "the name `{name}` is that of the annotations in every contract: choose another"
        );
        let services = workspace.services()?;
        let plan = Self {
            layer,
            name: name.to_owned(),
            owner: one_line("owner", asked.owner)?,
            description: match asked.description {
                Some(description) => one_line("description", description)?,
                None => format!("The {name} {} API.", tier(layer)),
            },
            callees: callees(workspace, &services, layer, asked.calls)?,
        };
        for folder in plan.folders() {
            ensure!(
                !workspace.root().join(&folder).exists(),
                "{layer}-{name} exists already, in {folder}: choose another name"
            );
        }
        Ok(plan)
    }

    /// The two folders a service is, relative to the root.
    pub(super) fn folders(&self) -> [String; 2] {
        let Self { layer, name, .. } = self;
        [
            format!("proto/{layer}/{name}"),
            format!("{layer}-api/{name}"),
        ]
    }
}

/// A layer's name as a type and in a sentence.
pub(super) const fn tier(layer: Layer) -> &'static str {
    match layer {
        Layer::System => "System",
        Layer::Process => "Process",
        Layer::Experience => "Experience",
    }
}

/// Text that stands in TOML, Rust and protobuf as it is.
fn one_line(what: &str, text: &str) -> Result<String> {
    let text = text.trim();
    let odd = |c: char| c.is_control() || ['"', '\\'].contains(&c);
    ensure!(
        !text.is_empty() && !text.contains(odd),
        "the {what} must be one line of text without quotes and backslashes"
    );
    Ok(text.to_owned())
}

fn callees(
    workspace: &Workspace,
    services: &[ServiceFolder],
    layer: Layer,
    calls: &[String],
) -> Result<Vec<Callee>> {
    let mut callees: Vec<Callee> = Vec::new();
    for call in calls {
        let below = layer
            .callees()
            .next()
            .with_context(|| format!("the {layer} layer calls no API: leave --calls out"))?;
        let (service, method) = call
            .split_once('/')
            .with_context(|| format!("`{call}` is no call: write <service>/<Method>"))?;
        ensure!(
            exists(services, below, service),
            unknown(services, layer, below, service)
        );
        let found = contract::method(workspace, below, service, method)?;
        match callees.iter_mut().find(|callee| callee.name == service) {
            Some(callee) if callee.has(&found) => {}
            Some(callee) => callee.methods.push(found),
            None => callees.push(Callee {
                name: service.to_owned(),
                methods: vec![found],
            }),
        }
    }
    Ok(callees)
}

fn exists(services: &[ServiceFolder], layer: Layer, name: &str) -> bool {
    let mut manifests = services.iter().map(|service| &service.manifest);
    manifests.any(|manifest| manifest.layer == layer && manifest.name == name)
}

fn unknown(services: &[ServiceFolder], layer: Layer, below: Layer, name: &str) -> String {
    let elsewhere = Layer::ALL
        .into_iter()
        .find(|other| exists(services, *other, name));
    if let Some(other) = elsewhere {
        return format!(
            "{name} is of the {other} layer, which the {layer} layer may not call: call a service \
             of the {below} layer"
        );
    }
    let known = services
        .iter()
        .map(|service| &service.manifest)
        .filter(|manifest| manifest.layer == below)
        .map(|manifest| manifest.name.as_str())
        .collect::<Vec<_>>()
        .join(", ");
    format!("the {below} layer has no service {name}: use one of {known}, or make it first")
}
