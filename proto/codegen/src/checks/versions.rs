//! The life of an Experience API: its methods end as their contract says, and each version says what it
//! has changed. Other layers have neither: who calls them is known, and changes with them.

use prost_reflect::ServiceDescriptor;
use strata_core::Layer;

use crate::{
    compile::Contract,
    deprecation::{self, Deprecation},
    finding::Finding,
};

pub(super) fn check(contract: &Contract, findings: &mut Vec<Finding>) {
    let experience = contract.folder.layer == Layer::Experience;
    let versions = contract.versions.iter();
    for service in versions.flat_map(|version| version.services()) {
        for method in service.methods() {
            let problem = match Deprecation::read(&contract.options.method(&method)) {
                Err(problem) => problem,
                Ok(Some(_)) if !experience => {
                    "is deprecated, which holds for Experience methods only: remove that, and move \
                     those that docs/graph.json says call it"
                        .to_owned()
                }
                Ok(_) => continue,
            };
            let subject = format!("method {}", method.name());
            let finding = Finding::at(&method.parent_file(), method.path(), &subject, problem);
            findings.push(finding);
        }
        if experience {
            findings.extend(changelog(contract, &service));
        }
    }
}

fn changelog(contract: &Contract, service: &ServiceDescriptor) -> Vec<Finding> {
    let changes = contract.options.service(service).changes;
    let find = |subject: &str, problem: &str| {
        Finding::at(&service.parent_file(), service.path(), subject, problem)
    };
    let name = format!("service {}", service.name());
    if changes.is_empty() {
        let problem = "states no change: write changes: [{date: \"2027-06-30\", text: \"...\"}] in \
            (strata.options.v1.service), for the catalogue";
        return vec![find(&name, problem)];
    }
    let numbered = changes.iter().enumerate();
    let wrong = numbered.filter_map(|(at, change)| {
        let problem = deprecation::problem(change)?;
        Some(find(&format!("{name}, change {}", at + 1), problem))
    });
    wrong.collect()
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{experience, system};

    const AT: &str = "experience/desk/v1/contract.proto:8: method GetTicket has";

    /// Of the first method.
    fn states(annotations: &str, problem: &str) {
        let honest = "{ticket_id}\"};\n    option (strata.options.v1.method) = {scope: \"\"";
        let wrong = format!("{honest} {annotations}");
        let expected: Vec<_> = Some(problem)
            .filter(|problem| !problem.is_empty())
            .map(|problem| format!("{AT} {problem}"))
            .into_iter()
            .collect();
        experience(honest, &wrong, &expected);
    }

    #[test]
    fn a_method_ends_as_its_contract_says() {
        states("deprecated_after: \"2026-01-31\"", "");
        let both = "deprecated_after: \"2026-01-31\" sunset: \"2026-01-31\"";
        states(both, "");
        states(
            "deprecated_after: \"2026-01-31\" sunset: \"2026-01-30\"",
            "sunset 2026-01-30, before it is deprecated on 2026-01-31: give clients time between the \
             two",
        );
        states(
            "sunset: \"2026-01-30\"",
            "a sunset and is not deprecated: say since when, with deprecated_after",
        );
        for date in [
            "2026-02-30",
            "31.1.2026",
            "2026-1-31",
            "2026-01-31T00:00:00Z",
        ] {
            let problem = format!("`{date}`, which is no date: write one such as 2027-06-30");
            let deprecated = format!("deprecated_after: \"{date}\"");
            states(&deprecated, &format!("deprecated_after {problem}"));
            let sunset = format!("deprecated_after: \"2026-01-31\" sunset: \"{date}\"");
            states(&sunset, &format!("sunset {problem}"));
        }
    }

    #[test]
    fn only_experience_methods_are_deprecated() {
        system(
            "scope: \"prices:read\"",
            "scope: \"prices:read\" deprecated_after: \"2026-01-31\"",
            &[
                "system/price-list/v1/contract.proto:7: method GetPrice is deprecated, which holds for \
               Experience methods only: remove that, and move those that docs/graph.json says call it",
            ],
        );
    }

    #[test]
    fn a_version_says_what_it_has_changed() {
        let change = ", changes: [{date: \"2026-01-31\", text: \"The first version.\"}]";
        let service = "experience/desk/v1/contract.proto:6: service DeskService";
        experience(
            change,
            "",
            &[format!(
                "{service} states no change: write changes: [{{date: \"2027-06-30\", text: \
                 \"...\"}}] in (strata.options.v1.service), for the catalogue"
            )],
        );
        experience(
            "2026-01-31",
            "soon",
            &[format!(
                "{service}, change 1 has no date: write one such as 2027-06-30"
            )],
        );
        experience(
            "The first version.",
            " ",
            &[format!(
                "{service}, change 1 says nothing: tell clients what has changed"
            )],
        );
    }
}
