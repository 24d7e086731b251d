//! The rule of the layers, and whether Cargo, service.toml and callers.toml say the same.

use strata_config::{Edge, Manifest};
use strata_core::Layer;
use strata_estate::{Call, Graph, ServiceFolder};
use strata_policy::{CallerEntry, CallersFile};

use super::Finding;

/// Whether the rule of the layers allows the call, or an exemption does.
const fn is_allowed(call: &Call) -> bool {
    call.caller.layer.may_call(call.callee.layer) || call.exempt_until.is_some()
}

/// No service is compiled against a contract its layer may not call, unless service.toml exempts it.
pub(super) fn layers(services: &[ServiceFolder], graph: &Graph) -> Vec<Finding> {
    let forbidden = |call: &&Call| !is_allowed(call);
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
        for call in calls.filter(|call| is_allowed(call)) {
            compiled.push((call.callee.layer, call.callee.name.as_str()));
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
        for Edge {
            layer,
            service: name,
            exemption,
            ..
        } in manifest.edges()
        {
            if compiled.contains(&(layer, name)) {
                continue;
            }
            let list = if exemption.is_some() {
                "exemptions"
            } else {
                "calls"
            };
            findings.push(Finding::new(
                &service.folder.join("Cargo.toml"),
                format!(
                    "does not depend on proto-{layer}-{name}, whose calls service.toml declares"
                ),
                format!("add the dependency, or remove the entry from [[{list}]]"),
            ));
        }
    }
    findings
}

/// Every declared call is granted by the callee, and nothing is granted that nobody declares.
pub(super) fn granted(services: &[ServiceFolder]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for service in services {
        for Edge {
            layer,
            service: name,
            ..
        } in service.manifest.edges()
        {
            if find(services, layer, name).is_none() {
                findings.push(Finding::new(
                    &service.manifest_file(),
                    format!("calls {layer}-{name}, which does not exist"),
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
    let edge = caller.edge(callee.manifest.layer, &callee.manifest.name);
    edge.into_iter().flat_map(|edge| edge.methods)
}

/// Whether the entry is the caller's.
pub(super) fn is(entry: &CallerEntry, caller: &Manifest) -> bool {
    entry.layer == caller.layer && entry.service == caller.name
}

pub(super) fn find<'a>(
    services: &'a [ServiceFolder],
    layer: Layer,
    name: &str,
) -> Option<&'a ServiceFolder> {
    services
        .iter()
        .find(|service| service.manifest.layer == layer && service.manifest.name == name)
}
