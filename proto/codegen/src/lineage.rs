//! Lineage: what a field is made from exists, is of a contract the service may call, and is labelled
//! no higher than the field, unless the field says why.

mod chain;
mod service;
mod source;

use std::collections::BTreeSet;

use self::{service::Calls, source::Source};
use crate::{
    checks,
    compile::Contract,
    contracts::Contracts,
    finding::Finding,
    folder::ContractId,
    labels::{self, in_contract, in_words},
    nearest,
};

/// Finds what is wrong with the lineage of `contract`. Returns the contracts its fields are made
/// from, at whatever depth: whatever changes in them can change what is found.
pub(crate) fn check(
    contract: &Contract,
    contracts: &Contracts,
    findings: &mut Vec<Finding>,
) -> BTreeSet<ContractId> {
    let mut read = BTreeSet::new();
    let own = contract.folder.id();
    let calls = Calls::read(&contracts.manifest(&own)).unwrap_or_else(|finding| {
        findings.push(finding);
        Calls::default()
    });
    for field in checks::fields(contract) {
        let annotations = contract.options.field(&field);
        if let Some(message) = labels::held(&field)
            && !labels::is_value(&field)
            && (!annotations.from.is_empty() || annotations.declassify.is_some())
        {
            let name = message.name();
            let problem = format!(
                "is a {name}, whose values say what each is from: put from and declassify there"
            );
            findings.push(Finding::of(&field, problem));
            continue;
        }
        let mut sources = Vec::new();
        for from in &annotations.from {
            match admitted(contracts, &own, &calls, from) {
                Ok(source) if source.is_labelled() => sources.push(source),
                Ok(_) => {}
                Err(problem) => {
                    findings.push(Finding::of(&field, format!("is from `{from}`, {problem}")));
                }
            }
        }
        let start = Source { contract, field };
        let (circle, passed) = chain::circle(contracts, &start);
        read.extend(passed);
        if let Some(circle) = circle {
            findings.push(Finding::of(&start.field, circle));
        } else if let Some(problem) =
            lower(contracts, &start, &sources).or_else(|| uncounted(&start, &sources))
        {
            findings.push(Finding::of(&start.field, problem));
        } else if annotations.declassify.is_some()
            && sources.len() == annotations.from.len()
            && !sources.is_empty()
            && start.label().covers(source::joined(&sources))
        {
            let problem =
                "is declassified, and is no lower than what it is from: leave declassify out";
            findings.push(Finding::of(&start.field, problem));
        }
    }
    read.remove(&own);
    read
}

/// The field `from` names, if a field of `own` may be made from it; or why not.
fn admitted<'a>(
    contracts: &'a Contracts,
    own: &ContractId,
    calls: &Calls,
    from: &str,
) -> Result<Source<'a>, String> {
    let source = source::named(contracts, from)?;
    let id = source.contract.folder.id();
    if let Some(message) = labels::held(&source.field)
        && !labels::is_value(&source.field)
    {
        return Err(format!(
            "which is a {name}: name a value of {}",
            message.full_name(),
            name = message.name()
        ));
    }
    if id == *own || (own.layer.may_be_exempted(id.layer) && calls.exempted.contains(&id)) {
        return Ok(source);
    }
    if !own.layer.may_call(id.layer) {
        let remedy = match own.layer.callees().next() {
            Some(layer) => format!("name a field of the {layer} contract that passes it on"),
            None => "leave `from` out, a System API is made from its own store".to_owned(),
        };
        return Err(format!(
            "which the {} layer may not call: {remedy}",
            own.layer
        ));
    }
    match &calls.services {
        Some(services) if !services.contains(&id.service) => {
            let known = services.iter().map(String::as_str);
            Err(format!(
                "but service.toml declares no call to `{}`: add it to [[calls]], or {}",
                id.service,
                nearest::instead(&id.service, known)
            ))
        }
        _ => Ok(source),
    }
}

/// Whether the field's label is lower than its sources', and it does not say why.
fn lower(contracts: &Contracts, start: &Source<'_>, sources: &[Source<'_>]) -> Option<String> {
    let annotations = start.annotations();
    let (label, joined) = (start.label(), source::joined(sources));
    if annotations.declassify.is_some() || label.covers(joined) {
        return None;
    }
    let above = sources
        .iter()
        .filter(|source| !label.covers(source.label()));
    let chains: Vec<_> = above
        .map(|source| chain::above(contracts, source, label))
        .collect();
    let raised = in_contract(label.join(joined));
    Some(format!(
        "is {}, lower than what it is from, {}: label it {raised}, or say in declassify why less is \
         enough",
        in_words(label),
        chains.join(" and ")
    ))
}

/// Whether a combination that counts the field's sources would not count the field, which is made from
/// them: what they amount to together would come together unseen.
fn uncounted(start: &Source<'_>, sources: &[Source<'_>]) -> Option<String> {
    let annotations = start.annotations();
    if annotations.declassify.is_some() {
        return None;
    }
    let kinds: BTreeSet<_> = sources
        .iter()
        .map(|source| source.annotations().kind)
        .collect();
    let combinations = &start.contract.classification.combinations;
    combinations.iter().find_map(|combination| {
        let counted = combination.kinds.iter().filter(|kind| kinds.contains(*kind));
        let counted: Vec<_> = counted.map(String::as_str).collect();
        let is_seen = start.label().covers(combination.label);
        if is_seen || counted.iter().all(|kind| **kind == annotations.kind) {
            return None;
        }
        let remedy = match counted.as_slice() {
            [kind] => format!("name kind `{kind}`"),
            _ => "make a field of each".to_owned(),
        };
        Some(format!(
            "is from {}, and {} amount to {} together: {remedy}, label it {}, or say in declassify why \
             less is enough",
            counted.join(" and "),
            combination.kinds.join(", "),
            in_words(combination.label),
            in_contract(start.label().join(combination.label))
        ))
    })
}
