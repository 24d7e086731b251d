//! Small sets of contracts, and exactly what the checks find in each. `sets/honest` is an estate of one
//! contract per layer in which nothing is wrong; each other set says what is different from it.

use std::{collections::BTreeSet, fs, path::Path};

use super::estate::{self, Estate};

fn sets() -> Vec<String> {
    let sets = fs::read_dir(estate::sets()).unwrap();
    let names = sets.map(|set| set.unwrap().file_name().into_string().unwrap());
    names.collect::<BTreeSet<_>>().into_iter().collect()
}

fn expected(set: &str) -> Vec<String> {
    let file = Path::new(&estate::sets()).join(set).join("expected.txt");
    let text = fs::read_to_string(file).unwrap();
    let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
    lines.sort_unstable();
    lines
}

#[test]
fn each_set_has_exactly_its_findings() {
    let sets = sets();
    assert!(sets.len() >= 40, "{} sets", sets.len());
    let mut differences = Vec::new();
    for set in &sets {
        let estate = Estate::of(set);
        let mut found = estate.findings();
        found.sort_unstable();
        let expected = expected(set);
        if found != expected {
            let (found, expected) = (found.join("\n  "), expected.join("\n  "));
            differences.push(format!("{set}:\n  {expected}\nfound:\n  {found}"));
        }
    }
    assert!(differences.is_empty(), "\n{}", differences.join("\n"));
}

/// Every finding ends in what to do.
#[test]
fn each_finding_has_a_place_a_problem_and_a_remedy() {
    for set in sets() {
        for finding in Estate::of(&set).check().findings {
            assert!(!finding.place().is_empty(), "{set}: {finding}");
            assert!(!finding.problem().is_empty(), "{set}: {finding}");
            assert_ne!(finding.remedy(), "correct it there", "{set}: {finding}");
        }
    }
}
