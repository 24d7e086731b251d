//! Every service starts with its configuration in every environment.

use strata_config::{Config, Environment};
use strata_estate::ServiceFolder;

use super::Finding;

pub(super) fn loads(services: &[ServiceFolder], environments: &[Environment]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for service in services {
        for environment in environments {
            // What the deployment sets is not known here: the files must stand on their own.
            let loaded = Config::load(&service.folder, &service.manifest, *environment, []);
            let Err(error) = loaded else { continue };
            findings.extend(error.problems().iter().map(|problem| {
                let remedy = format!("set it right there or in config/{environment}.toml");
                Finding::at(problem, remedy)
            }));
        }
    }
    findings
}
