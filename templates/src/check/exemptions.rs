//! No exemption from the rule of the layers is over, and both sides mean the same one. That each side has
//! it is found where calls and grants are compared.

use std::path::Path;

use strata_config::Exemption;
use strata_estate::ServiceFolder;
use strata_policy::CallersFile;

use super::{Finding, calls};

pub(super) fn last(services: &[ServiceFolder]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for callee in services {
        let file = callee.callers_file();
        // A file with a mistake is found where it is read for its own sake.
        let Ok(callers) = CallersFile::load(&file, callee.manifest.layer) else {
            continue;
        };
        for (entry, granted) in callers.exempted() {
            let name = format!("{}-{}", entry.layer, entry.service);
            findings.extend(over(&file, &name, granted));
            let caller = calls::find(services, entry.layer, &entry.service);
            let edge = caller.and_then(|caller| {
                let manifest = &callee.manifest;
                caller.manifest.edge(manifest.layer, &manifest.name)
            });
            if let Some(asked) = edge.and_then(|edge| edge.exemption)
                && asked.expires != granted.expires
            {
                findings.push(Finding::new(
                    &file,
                    format!(
                        "exempts {name} until {}, and its service.toml says {}",
                        granted.expires, asked.expires
                    ),
                    "agree on one day: the earlier one holds".to_owned(),
                ));
            }
        }
    }
    for caller in services {
        let file = caller.manifest_file();
        for edge in caller.manifest.edges() {
            let name = format!("{}-{}", edge.layer, edge.service);
            let ended = edge.exemption.and_then(|asked| over(&file, &name, &asked));
            findings.extend(ended);
        }
    }
    findings
}

fn over(file: &Path, peer: &str, exemption: &Exemption) -> Option<Finding> {
    let (_, problem) = exemption.over()?;
    let remedy = format!(
        "take the entry of {peer} away on both sides, or have {} agree on another day",
        exemption.owner
    );
    Some(Finding::new(file, format!("{peer}: {problem}"), remedy))
}
