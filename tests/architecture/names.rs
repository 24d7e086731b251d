//! Organisation and estate are named in one file, so that a clone becomes another's by changing it.

use std::{path::Path, process::Command};

use strata_config::{ESTATE, ORGANISATION};

use crate::repository::ROOT;

const HOME: &str = "shared/config/estate.toml";

/// Which of the two a text names: the organisation anywhere, the estate as a word.
fn named(text: &str) -> Vec<&'static str> {
    let text = text.to_lowercase();
    let estate = ESTATE.to_lowercase();
    let mut words = text.split(|character: char| !character.is_alphanumeric());
    let mut found = Vec::new();
    if text.contains(&ORGANISATION.to_lowercase()) {
        found.push(ORGANISATION);
    }
    if words.any(|word| word == estate) {
        found.push(ESTATE);
    }
    found
}

/// Every file that is or would be committed.
fn files() -> Vec<String> {
    let git = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(&*ROOT)
        .output()
        .unwrap();
    assert!(git.status.success(), "this is no git repository");
    let list = String::from_utf8(git.stdout).unwrap();
    let files = list.split('\0').filter(|file| !file.is_empty());
    files.map(str::to_owned).collect()
}

#[test]
fn the_check_finds_what_is_wrong() {
    assert_eq!(named("spiffe://system.dev.org.example/orders"), [""; 0]);
    let upper = ORGANISATION.to_uppercase();
    assert!(named(&format!("a.{upper}/b")).contains(&ORGANISATION));
    assert!(named(&format!("# The {ESTATE}'s own")).contains(&ESTATE));
    assert!(!named(&format!("{ESTATE}ing")).contains(&ESTATE));
}

#[test]
fn organisation_and_estate_are_named_in_one_file() {
    let files = files();
    assert!(files.iter().any(|file| file == HOME));
    for file in files {
        let path = ROOT.join(&file);
        // Deleted files are listed until that is committed.
        let Ok(content) = std::fs::read(&path) else {
            continue;
        };
        let found = named(&String::from_utf8_lossy(&content));
        if Path::new(&file) == Path::new(HOME) {
            assert!(found.contains(&ORGANISATION), "does the check see?");
        } else {
            assert_eq!(found, [""; 0], "{file}");
        }
    }
}
