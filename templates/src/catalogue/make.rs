//! The catalogue, made from what the documents declare.

use std::{cmp::Reverse, collections::BTreeSet, path::Path};

use anyhow::{Result, ensure};
use strata_codegen::model::{self as contract, Model};
use strata_core::Layer;
use strata_estate::{ServiceFolder, Workspace};
use strata_policy::{ConsumersFile, PlansFile};

use super::model::{Api, Catalogue, Change, Consumer, Method, Plan, Status, Version};
use crate::documents;

/// The catalogue of the estate.
pub(super) fn catalogue(workspace: &Workspace) -> Result<Catalogue> {
    let services = workspace.services()?.into_iter();
    let experience = services.filter(|service| service.manifest.layer == Layer::Experience);
    let apis = experience.map(|service| api(workspace, service));
    let mut apis = apis.collect::<Result<Vec<_>>>()?;
    apis.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(Catalogue { apis })
}

fn api(workspace: &Workspace, service: ServiceFolder) -> Result<Api> {
    let manifest = service.manifest;
    let proto = workspace.root().join("proto");
    let folder = proto.join(manifest.layer.as_str()).join(&manifest.name);
    let contract = strata_codegen::read(&folder)?;
    let versions = contract.versions.iter().rev();
    let versions = versions.map(|version| self::version(workspace, &contract, version));
    Ok(Api {
        versions: versions.collect::<Result<_>>()?,
        plans: plans(&service.folder.join("policy"), &contract)?,
        name: manifest.name,
        owner: manifest.owner,
        description: manifest.description,
    })
}

fn version(workspace: &Workspace, of: &Model, version: &contract::Version) -> Result<Version> {
    let methods = of.methods.iter();
    let methods = methods.filter(|method| method.version == version.name);
    let methods: Vec<_> = methods.map(method).collect();
    let deprecated_after = last(
        methods
            .iter()
            .map(|method| method.deprecated_after.as_str()),
    );
    let file = documents::file(workspace, &of.name, &version.name);
    let changes = version.changes.iter().map(|change| Change {
        date: change.date.clone(),
        text: change.text.clone(),
    });
    let mut changes: Vec<_> = changes.collect();
    changes.sort_by_key(|change| Reverse(change.date.clone()));
    Ok(Version {
        name: version.name.clone(),
        about: version.about.clone(),
        status: if deprecated_after.is_empty() {
            Status::Current
        } else {
            Status::Deprecated
        },
        deprecated_after,
        sunset: last(methods.iter().map(|method| method.sunset.as_str())),
        document: file.strip_prefix(workspace.root())?.display().to_string(),
        methods,
        changes,
    })
}

/// The last of the dates, when all are stated.
fn last<'a>(dates: impl Iterator<Item = &'a str> + Clone) -> String {
    let all = dates.clone().all(|date| !date.is_empty());
    let last = dates.max().filter(|_| all);
    last.unwrap_or_default().to_owned()
}

fn method(method: &contract::Method) -> Method {
    Method {
        name: method.name.clone(),
        route: method.route.clone().unwrap_or_default(),
        about: method.about.clone(),
        scopes: method.scopes.clone(),
        purpose: method.purpose.clone(),
        deprecated_after: method.deprecated_after.clone(),
        sunset: method.sunset.clone(),
    }
}

/// What does not fit together is an error: a reader must not be promised what no service grants.
fn plans(policy: &Path, contract: &Model) -> Result<Vec<Plan>> {
    let known: BTreeSet<_> = contract.methods.iter().map(|method| &method.name).collect();
    let (plans, consumers) = (policy.join("plans.toml"), policy.join("consumers.toml"));
    let entries = PlansFile::load(&plans)?.plans;
    let on_plans = ConsumersFile::load(&consumers)?.consumers;
    for consumer in &on_plans {
        let (file, plan) = (consumers.display(), &consumer.plan);
        ensure!(
            entries.contains_key(plan),
            "{file}: plan '{plan}' is not in plans.toml: name one that is"
        );
    }
    let plans = entries.into_iter().map(|(name, entry)| {
        for method in &entry.methods {
            let file = plans.display();
            ensure!(
                known.contains(method),
                "{file}: plan '{name}' has method '{method}', which no version has: name one that is \
                 there"
            );
        }
        let consumers = on_plans.iter().filter(|consumer| consumer.plan == name);
        let consumers = consumers.map(|consumer| Consumer {
            owner: consumer.owner.clone(),
            purpose: consumer.purpose.clone(),
        });
        Ok(Plan {
            consumers: consumers.collect(),
            quota: entry.quota,
            spike: entry.spike,
            ceiling: entry.ceiling.0,
            methods: entry.methods,
            name,
        })
    });
    plans.collect()
}
