//! Help and refusals of what is not understood.

use super::strata::{root, strata};

#[test]
fn every_command_explains_itself_with_an_example() {
    let commands: [&[&str]; 22] = [
        &[],
        &["up"],
        &["new"],
        &["pki"],
        &["pki", "init"],
        &["pki", "issue"],
        &["pki", "show"],
        &["pki", "rotate"],
        &["token"],
        &["audit"],
        &["audit", "verify"],
        &["audit", "query"],
        &["audit", "export"],
        &["attack"],
        &["pentest"],
        &["pentest", "pack"],
        &["pentest", "digest"],
        &["graph"],
        &["check"],
        &["data-map"],
        &["catalogue"],
        &["manifest"],
    ];
    for command in commands {
        let help = strata(root(), &[command, &["--help"]].concat()).data();
        assert!(help.contains("Example"), "{command:?}: {help}");
        assert!(
            help.contains(&format!("cargo strata {}", command.join(" "))),
            "{command:?}: {help}"
        );
    }
}

#[test]
fn what_is_not_understood_is_refused_in_words() {
    let refused = |arguments: &[&str]| strata(root(), arguments).error();
    assert!(refused(&["fly"]).contains("unrecognized subcommand"));
    let error = refused(&["pki", "show", "--env", "qa"]);
    assert!(error.contains("dev, test, staging, prod"), "{error}");
    let error = refused(&["up", "--env", "prod"]);
    assert!(error.contains("runs in dev only"), "{error}");
}

#[test]
fn outside_an_estate_it_says_where_to_go() {
    let elsewhere = tempfile::tempdir().unwrap();
    for command in ["up", "check", "graph"] {
        let error = strata(elsewhere.path(), &[command]).error();
        assert!(error.contains("is in no estate"), "{error}");
    }
}
