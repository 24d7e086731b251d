//! The committed data map names every value that a System contract stores. What else it says is
//! compared where it is made, by `cargo strata check` and the tests of the command line.

use std::fs;

use strata_codegen::model::{Field, Model};
use strata_core::Layer;
use strata_estate::Workspace;

use crate::repository::{ROOT, read};

/// The part of the map about one table.
fn section<'a>(map: &'a str, table: &str) -> Option<&'a str> {
    let (_, rest) = map.split_once(&format!("\n### {table}\n"))?;
    rest.split("\n### ").next()
}

/// Whether a table row is about the field, wherever in the record it is.
fn has(section: &str, field: &Field) -> bool {
    let paths = section.lines().filter_map(|line| line.split('|').nth(1));
    let mut names = paths.map(|path| path.trim().rsplit('.').next());
    names.any(|name| name == Some(&*field.name))
}

/// The stored values a map does not name.
fn missing(map: &str, contracts: &[Model]) -> Vec<String> {
    let mut missing = Vec::new();
    let messages = contracts.iter().flat_map(|contract| &contract.messages);
    for message in messages.filter(|message| !message.stored_in.is_empty()) {
        let section = section(map, &message.stored_in);
        let values = message.fields.iter().filter(|field| field.label.is_some());
        for field in values {
            if !section.is_some_and(|section| has(section, field)) {
                missing.push(format!("{}.{}", message.name, field.name));
            }
        }
    }
    missing
}

#[test]
fn the_committed_data_map_names_every_stored_value() {
    let services = Workspace::at(&ROOT).services().unwrap().into_iter();
    let systems = services.filter(|service| service.manifest.layer == Layer::System);
    let contracts: Vec<_> = systems
        .map(|service| {
            let folder = ROOT.join("proto/system").join(&service.manifest.name);
            strata_codegen::read(&folder).unwrap()
        })
        .collect();
    let map = read(&ROOT.join("docs/data-map.md"));
    assert_eq!(missing(&map, &contracts), [""; 0]);
    assert!(fs::exists(ROOT.join("docs/data-map.html")).unwrap());

    let without: Vec<_> = map
        .lines()
        .filter(|line| !line.starts_with("| national_id |"))
        .collect();
    assert_eq!(
        missing(&without.join("\n"), &contracts),
        ["system.customers.v1.Customer.national_id"]
    );
}
