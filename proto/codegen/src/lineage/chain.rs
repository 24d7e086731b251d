//! From source to source: where a label comes from, and where lineage turns in a circle.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use strata_core::Label;

use super::source::{self, Source};
use crate::{contracts::Contracts, folder::ContractId};

/// What a field is made from, as far as it can be found: the rest is a finding elsewhere.
fn sources<'a>(contracts: &'a Contracts, field: &Source<'a>) -> Vec<Source<'a>> {
    let from = field.annotations().from;
    let sources = from.iter().map(|from| source::named(contracts, from));
    sources.filter_map(Result::ok).collect()
}

/// `source` and, one after the other, what gives it a label above `label`.
pub(super) fn above(contracts: &Contracts, source: &Source<'_>, label: Label) -> String {
    let mut chain = vec![source.described()];
    let mut seen = BTreeSet::from([source.field.full_name().to_owned()]);
    let mut last = source.clone();
    while let Some(next) = sources(contracts, &last)
        .into_iter()
        .find(|next| !label.covers(next.label()) && !seen.contains(next.field.full_name()))
    {
        chain.push(next.described());
        seen.insert(next.field.full_name().to_owned());
        last = next;
    }
    chain.join(" <- ")
}

/// The shortest way from `start` over its sources back to itself, as a problem, if there is one; and
/// the contracts that were passed.
pub(super) fn circle(
    contracts: &Contracts,
    start: &Source<'_>,
) -> (Option<String>, BTreeSet<ContractId>) {
    let mut passed = BTreeSet::new();
    // Where each field was reached from.
    let mut reached = BTreeMap::<String, Source<'_>>::new();
    let mut open = VecDeque::from([start.clone()]);
    while let Some(field) = open.pop_front() {
        for next in sources(contracts, &field) {
            passed.insert(next.contract.folder.id());
            let name = next.field.full_name();
            if reached.contains_key(name) {
                continue;
            }
            reached.insert(name.to_owned(), field.clone());
            if next.field.full_name() == start.field.full_name() {
                return (Some(told(start, &reached)), passed);
            }
            open.push_back(next);
        }
    }
    (None, passed)
}

fn told(start: &Source<'_>, reached: &BTreeMap<String, Source<'_>>) -> String {
    let mut way = Vec::new();
    let mut at = start;
    while let Some(before) = reached.get(at.field.full_name()) {
        way.push(format!("{} ({})", at.field.full_name(), at.place()));
        at = before;
        if at.field.full_name() == start.field.full_name() {
            break;
        }
    }
    way.push(format!("{} ({})", start.field.full_name(), start.place()));
    way.reverse();
    format!(
        "is made from itself, {}: take away the `from` that closes the circle",
        way.join(" <- ")
    )
}
