//! An invariant without its test is a wish: every test ARCHITECTURE.md names exists.

use std::fs;

use crate::repository::ROOT;

/// The tests a text names: a file between backquotes, and the function between the next ones.
fn named_tests(text: &str) -> Vec<(&str, &str)> {
    let quoted: Vec<&str> = text.split('`').skip(1).step_by(2).collect();
    quoted
        .windows(2)
        .filter_map(|pair| match pair {
            [file, function] if file.ends_with(".rs") && !function.contains(['.', '/', ' ']) => {
                Some((*file, *function))
            }
            _ => None,
        })
        .collect()
}

fn defines(source: &str, function: &str) -> bool {
    source.contains(&format!("fn {function}("))
}

#[test]
fn the_check_finds_what_is_wrong() {
    let text = "1. It holds.\n `a/b.rs` `it_holds`,\n `c.rs` `so_it_does`\n- `d.rs`: `e/f.rs`";
    assert_eq!(
        named_tests(text),
        [("a/b.rs", "it_holds"), ("c.rs", "so_it_does")]
    );
    assert!(defines("async fn it_holds(rig: &mut Rig) {", "it_holds"));
    assert!(!defines("fn it_holds_not() {", "it_holds"));
}

#[test]
fn every_test_an_invariant_names_exists() {
    let paper = fs::read_to_string(ROOT.join("ARCHITECTURE.md")).unwrap();
    let start = paper.find("\n## 13. Invariants").unwrap();
    let end = paper.find("\n## 14.").unwrap();
    let tests = named_tests(&paper[start..end]);
    assert!(tests.len() > 48, "only {} tests are named", tests.len());
    for (file, function) in tests {
        let source = fs::read_to_string(ROOT.join(file))
            .unwrap_or_else(|error| panic!("ARCHITECTURE.md names {file}: {error}"));
        assert!(
            defines(&source, function),
            "ARCHITECTURE.md names {function} in {file}, which has no such test"
        );
    }
}
