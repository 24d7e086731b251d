//! The rule of the layers, and whether Cargo, service.toml and callers.toml say the same.

use strata_config::Manifest;
use strata_core::Layer;
use strata_estate::{Call, Graph, ServiceFolder};
use strata_policy::{CallerEntry, CallersFile};

use super::Finding;

/// No service is compiled against a contract its layer may not call.
pub(super) fn layers(services: &[ServiceFolder], graph: &Graph) -> Vec<Finding> {
    let forbidden = |call: &&Call| !call.caller.layer.may_call(call.callee.layer);
    let finding = |call: &Call| {
        let caller = find(services, call.caller.layer, &call.caller.name)?;
        let may = match call.caller.layer.callees().next() {
            Some(layer) => format!("ask a {layer} API instead"),
            None => "a System API calls no API".to_owned(),
        };
        Some(Finding::new(
            &caller.folder.join("Cargo.toml"),
            format!(
                "the {} layer may not call {}",
                call.caller.layer, call.callee
            ),
            format!("remove the dependency on proto-{}: {may}", call.callee),
        ))
    };
    graph
        .calls
        .iter()
        .filter(forbidden)
        .filter_map(finding)
        .collect()
}

/// Cargo's dependencies and service.toml declare the same calls.
pub(super) fn declared(services: &[ServiceFolder], graph: &Graph) -> Vec<Finding> {
    let mut findings = Vec::new();
    for service in services {
        let manifest = &service.manifest;
        let calls = graph.calls.iter().filter(|call| {
            call.caller.layer == manifest.layer && call.caller.name == manifest.name
        });
        let mut compiled = Vec::new();
        for call in calls.filter(|call| call.caller.layer.may_call(call.callee.layer)) {
            compiled.push(call.callee.name.as_str());
            if call.methods.is_empty() {
                findings.push(Finding::new(
                    &service.manifest_file(),
                    format!(
                        "does not declare the calls to {}, which Cargo.toml allows",
                        call.callee
                    ),
                    format!(
                        "add [[calls]] with service = \"{}\" and its methods, or remove the \
                         dependency on proto-{}",
                        call.callee.name, call.callee
                    ),
                ));
            }
        }
        for call in manifest
            .calls
            .iter()
            .filter(|call| !compiled.contains(&call.service.as_str()))
        {
            let callee = callee_name(manifest, &call.service);
            findings.push(Finding::new(
                &service.folder.join("Cargo.toml"),
                format!("does not depend on proto-{callee}, whose calls service.toml declares"),
                "add the dependency, or remove the entry from [[calls]]".to_owned(),
            ));
        }
    }
    findings
}

/// Every declared call is granted by the callee, and nothing is granted that nobody declares.
pub(super) fn granted(services: &[ServiceFolder]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for service in services {
        for call in &service.manifest.calls {
            let layer = service.manifest.callee();
            if layer
                .and_then(|layer| find(services, layer, &call.service))
                .is_none()
            {
                let callee = callee_name(&service.manifest, &call.service);
                findings.push(Finding::new(
                    &service.manifest_file(),
                    format!("calls {callee}, which does not exist"),
                    "correct the name, or make the service".to_owned(),
                ));
            }
        }
    }
    for callee in services {
        match CallersFile::load(&callee.callers_file(), callee.manifest.layer) {
            Ok(file) => {
                findings.extend(missing(services, callee, &file.callers));
                findings.extend(unused(services, callee, &file.callers));
            }
            Err(error) => findings.push(Finding::new(
                &callee.callers_file(),
                error.to_string(),
                "correct the file: until then nobody may call the service".to_owned(),
            )),
        }
    }
    findings
}

fn missing(
    services: &[ServiceFolder],
    callee: &ServiceFolder,
    entries: &[CallerEntry],
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for caller in services.iter().map(|service| &service.manifest) {
        let entry = entries.iter().find(|entry| is(entry, caller));
        for method in methods(caller, callee) {
            if !entry.is_some_and(|entry| entry.methods.contains(method)) {
                findings.push(Finding::new(
                    &callee.callers_file(),
                    format!(
                        "does not let {}-{} call {method}",
                        caller.layer, caller.name
                    ),
                    "let its owner add it, or remove the method from the caller's service.toml"
                        .to_owned(),
                ));
            }
        }
    }
    findings
}

fn unused(
    services: &[ServiceFolder],
    callee: &ServiceFolder,
    entries: &[CallerEntry],
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for entry in entries {
        let caller = services.iter().find(|service| is(entry, &service.manifest));
        let declared: Vec<&String> = caller
            .map(|caller| methods(&caller.manifest, callee).collect())
            .unwrap_or_default();
        for method in entry
            .methods
            .iter()
            .filter(|method| !declared.contains(method))
        {
            findings.push(Finding::new(
                &callee.callers_file(),
                format!(
                    "lets {}-{} call {method}, which it does not declare",
                    entry.layer, entry.service
                ),
                "take the unused grant away, or declare the call in the caller's service.toml"
                    .to_owned(),
            ));
        }
    }
    findings
}

/// The methods of `callee` that `caller` declares.
pub(super) fn methods<'a>(
    caller: &'a Manifest,
    callee: &ServiceFolder,
) -> impl Iterator<Item = &'a String> {
    let calls = caller
        .layer
        .may_call(callee.manifest.layer)
        .then_some(&caller.calls);
    let name = callee.manifest.name.clone();
    calls
        .into_iter()
        .flatten()
        .filter(move |call| call.service == name)
        .flat_map(|call| &call.methods)
}

/// Whether the entry is the caller's.
pub(super) fn is(entry: &CallerEntry, caller: &Manifest) -> bool {
    entry.layer == caller.layer && entry.service == caller.name
}

fn find<'a>(services: &'a [ServiceFolder], layer: Layer, name: &str) -> Option<&'a ServiceFolder> {
    services
        .iter()
        .find(|service| service.manifest.layer == layer && service.manifest.name == name)
}

fn callee_name(caller: &Manifest, name: &str) -> String {
    caller
        .callee()
        .map_or_else(|| name.to_owned(), |layer| format!("{layer}-{name}"))
}
