//! Nothing a method may return is above its ceiling: no value, and no combination of values.

use prost_reflect::MethodDescriptor;
use strata_core::Label;

use crate::{
    classification::Combination,
    compile::Contract,
    finding::{Finding, place},
    labels::{self, Valued, in_contract, in_words},
    options::Sensitivity,
};

pub(super) fn check(contract: &Contract, findings: &mut Vec<Finding>) {
    let versions = contract.versions.iter();
    for service in versions.flat_map(|version| version.services()) {
        for method in service.methods() {
            check_method(contract, &method, findings);
        }
    }
}

fn check_method(contract: &Contract, method: &MethodDescriptor, findings: &mut Vec<Finding>) {
    let Some(ceiling) = contract.options.method(method).ceiling else {
        return;
    };
    if ceiling.sensitivity() == Sensitivity::Unspecified {
        return;
    }
    let mut find = |problem: String| {
        let subject = format!("method {}", method.name());
        let file = method.parent_file();
        findings.push(Finding::at(&file, method.path(), &subject, problem));
    };
    let (ceiling, output) = (ceiling.read(), method.output());
    if output.package_name() == "google.protobuf" {
        find(format!(
            "returns {}, which has no label: return a message of the contract",
            output.full_name()
        ));
        return;
    }
    let (options, classification) = (&contract.options, &contract.classification);
    let mut values = labels::values(options, &output);
    // A value without a label is a finding of its own.
    values.retain(|value| options.field(&value.field).sensitivity() != Sensitivity::Unspecified);
    let combinations = labels::combinations(classification, &values);
    let all = values.iter().map(|value| value.label);
    let all = all.chain(combinations.iter().map(|combination| combination.label));
    let raised = in_contract(all.fold(ceiling, Label::join));

    let above = |label: Label| !ceiling.covers(label);
    let above_it: Vec<_> = values.iter().filter(|value| above(value.label)).collect();
    if !above_it.is_empty() {
        find(format!(
            "may return {}, above its ceiling {}: raise it to {raised}, or return less",
            listed(&above_it),
            in_words(ceiling)
        ));
    }
    for combination in combinations
        .iter()
        .filter(|combination| above(combination.label))
    {
        find(format!(
            "may return {} at once, together {}, above its ceiling {}: {}; raise it to {raised}, or \
             return one of them less",
            listed(&members(combination, &values)),
            in_words(combination.label),
            in_words(ceiling),
            combination.reason
        ));
    }
}

/// A value of each kind that is combined.
fn members<'a>(combination: &Combination, values: &'a [Valued]) -> Vec<&'a Valued> {
    let kinds = combination.kinds.iter();
    kinds
        .filter_map(|kind| values.iter().find(|value| value.kind == *kind))
        .collect()
}

/// The path to each value, its label and where it is stated.
fn listed(values: &[&Valued]) -> String {
    let described = values.iter().map(
        |Valued {
             path, field, label, ..
         }| {
            let place = place(&field.parent_message().parent_file(), field.path());
            format!("{path} ({}, {place})", in_words(*label))
        },
    );
    described.collect::<Vec<_>>().join(", ")
}
