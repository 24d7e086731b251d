//! What must hold of the catalogue itself.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, ensure};

use crate::{
    catalogue::{Catalogue, Control, Held, Row},
    defined,
};

/// Of references: the shortest form each may have.
const NIST: &str = "SP 800-";

pub(crate) fn each_row_is_whole() -> Result<()> {
    let faults = faults(&Catalogue::read()?);
    ensure!(faults.is_empty(), "{}", faults.join("\n"));
    Ok(())
}

pub(crate) fn each_test_that_is_named_exists() -> Result<()> {
    let catalogue = Catalogue::read()?;
    let mut known = BTreeMap::new();
    let mut missing = Vec::new();
    for row in catalogue.rows() {
        for Held { file, function } in &row.tests {
            let tests = match known.get(file) {
                Some(tests) => tests,
                None => known.entry(file).or_insert(defined::tests(file)?),
            };
            if !tests.contains(function) {
                missing.push(format!("{}: {file} has no test {function}", row.id));
            }
        }
    }
    ensure!(missing.is_empty(), "{}", missing.join("\n"));
    Ok(())
}

pub(crate) fn each_control_belongs_to_a_row() -> Result<()> {
    let faults = strays(&Catalogue::read()?, &Control::all()?)?;
    ensure!(faults.is_empty(), "{}", faults.join("\n"));
    Ok(())
}

/// What is wrong with the rows by themselves.
fn faults(catalogue: &Catalogue) -> Vec<String> {
    let mut faults = Vec::new();
    let mut ids = BTreeSet::new();
    let later = catalogue.later.iter().map(|row| &row.id);
    for id in catalogue.rows().map(|row| &row.id).chain(later) {
        if !ids.insert(id) {
            faults.push(format!("{id}: twice"));
        }
        let (letter, number) = id.split_at_checked(1).unwrap_or_default();
        if !letter.starts_with(char::is_uppercase) || number.parse::<u8>().is_err() {
            faults.push(format!("{id}: an id is a letter and a number"));
        }
    }
    for row in catalogue.rows() {
        let id = &row.id;
        if row.tests.is_empty() {
            faults.push(format!("{id}: no test shows it"));
        }
        for text in [&row.tried, &row.must] {
            if !text.ends_with('.') || text.contains('\n') {
                faults.push(format!("{id}: say it in sentences on one line: {text}"));
            }
        }
        for taken in &row.by_hand {
            if !row.tests.iter().any(|test| test.function == taken.test) {
                faults.push(format!("{id}: {} is none of its tests", taken.test));
            }
        }
        faults.extend(references(row));
    }
    faults
}

fn references(row: &Row) -> Vec<String> {
    let is_api = |text: &str| {
        let number = text.strip_prefix("API").map(str::parse::<u8>);
        number.is_some_and(|number| number.is_ok_and(|number| (1..=10).contains(&number)))
    };
    let is_asvs = |text: &str| {
        let parts: Vec<_> = text.split('.').map(str::parse::<u8>).collect();
        parts.len() == 3 && parts.iter().all(Result::is_ok)
    };
    let is_nist = |text: &str| text.starts_with(NIST);
    let of = |texts: &[String], is_one: &dyn Fn(&str) -> bool| {
        let wrong = texts.iter().filter(|text| !is_one(text));
        wrong
            .map(|text| format!("{}: {text} is no reference", row.id))
            .collect::<Vec<_>>()
    };
    [
        of(&row.api, &is_api),
        of(&row.asvs, &is_asvs),
        of(&row.nist, &is_nist),
    ]
    .concat()
}

/// Controls that are tried by a row there is not, or by a row that does not know their test.
fn strays(catalogue: &Catalogue, controls: &[Control]) -> Result<Vec<String>> {
    let mut faults = Vec::new();
    for control in controls {
        let name = &control.name;
        for id in control.rows.iter().filter(|id| !id.starts_with("API")) {
            let later = catalogue.later.iter().any(|row| row.id == *id);
            let row = catalogue.rows().find(|row| row.id == *id);
            match row {
                Some(row) if !row.tests.contains(&control.held_by()?) => {
                    let test = &control.test;
                    faults.push(format!("{name}: row {id} does not name {test}"));
                }
                None if !later => faults.push(format!("{name}: there is no row {id}")),
                _ => {}
            }
        }
    }
    Ok(faults)
}

/// Each check above, over a catalogue that is wrong.
pub(crate) fn a_mistake_in_a_catalogue_is_found() -> Result<()> {
    let catalogue: Catalogue = toml::from_str(
        "[[groups]]\ntitle = \"a\"\n\
         [[groups.rows]]\nid = \"T1\"\ntried = \"Once.\"\nmust = \"Refused.\"\n\
         tests = [\"tests/e2e/tokens.rs a_wrong_token_is_refused\"]\n\
         api = [\"API2\"]\nasvs = [\"9.1.2\"]\nnist = [\"SP 800-228\"]\n\
         [[groups.rows]]\nid = \"T1\"\ntried = \"Twice\"\nmust = \"Refused.\"\ntests = []\n\
         by_hand = [{ file = \"a.rs\", change = \"b\", test = \"c\" }]\n\
         api = [\"API11\"]\nasvs = [\"9.1\"]\nnist = [\"228\"]\n\
         [[later]]\nid = \"later\"\ntried = \"c\"\n",
    )?;
    let found = faults(&catalogue);
    let expected = [
        "T1: twice",
        "later: an id is a letter and a number",
        "T1: no test shows it",
        "T1: say it in sentences on one line: Twice",
        "T1: c is none of its tests",
        "T1: API11 is no reference",
        "T1: 9.1 is no reference",
        "T1: 228 is no reference",
    ];
    ensure!(found == expected, "{found:#?}");

    let control = |rows: &[&str], test: &str| Control {
        name: "a".to_owned(),
        rows: rows.iter().map(|&row| row.to_owned()).collect(),
        test: test.to_owned(),
    };
    let honest = control(&["T1", "API2"], "e2e tokens::a_wrong_token_is_refused");
    let stray = control(&["T1", "T99"], "e2e tokens::another");
    let found = strays(&catalogue, &[honest, stray])?;
    let expected = [
        "a: row T1 does not name e2e tokens::another",
        "a: there is no row T99",
    ];
    ensure!(found == expected, "{found:#?}");

    let of_suite = defined::tests("tests/e2e/tokens.rs")?;
    ensure!(of_suite.contains("a_wrong_token_is_refused"));
    ensure!(!of_suite.contains("flawed"), "a helper is taken for a test");
    let of_macro = defined::tests("shared/audit/src/verify/tests.rs")?;
    ensure!(of_macro.contains("a_flipped_bit_is_found_where_it_is"));
    let of_crate = defined::tests("shared/core/src/layer.rs")?;
    ensure!(of_crate.contains("only_downward_by_one_is_allowed"));
    ensure!(!of_crate.contains("may_call"), "code is taken for a test");
    Ok(())
}
