//! Small sets of contracts, and exactly what the checks find in each. `sets/honest` is an estate of one
//! contract per layer in which nothing is wrong; each other set says what is different from it.

use std::{collections::BTreeSet, fs, path::Path};

use super::estate::{self, Estate};

fn sets() -> Vec<String> {
    let sets = fs::read_dir(estate::sets()).unwrap();
    let names = sets.map(|set| set.unwrap().file_name().into_string().unwrap());
    names.collect::<BTreeSet<_>>().into_iter().collect()
}

fn expected(set: &str) -> BTreeSet<String> {
    let file = Path::new(&estate::sets()).join(set).join("expected.txt");
    let text = fs::read_to_string(file).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn each_set_has_exactly_its_findings() {
    let sets = sets();
    assert!(sets.len() >= 40, "{} sets", sets.len());
    let mut differences = Vec::new();
    for set in &sets {
        let estate = Estate::of(set);
        let found: BTreeSet<_> = estate.findings().into_iter().collect();
        let expected = expected(set);
        let missing = expected
            .difference(&found)
            .map(|line| format!("  - {line}"));
        let unexpected = found
            .difference(&expected)
            .map(|line| format!("  + {line}"));
        let lines: Vec<_> = missing.chain(unexpected).collect();
        if !lines.is_empty() {
            differences.push(format!("{set}:\n{}", lines.join("\n")));
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
