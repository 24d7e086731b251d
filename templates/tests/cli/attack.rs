//! `attack`: what it refuses before it sends anything. What it finds is held by tests/e2e and tests/weakened.

use std::path::Path;

use strata_config::Environment;
use strata_estate::Pki;
use tempfile::TempDir;

use super::strata::strata;

/// Runs it in a folder of no estate, where `ca.pem` leads nowhere; its error.
#[track_caller]
fn refused(arguments: &[&str]) -> String {
    let folder = TempDir::new().unwrap();
    let pki = Pki::init(&folder.path().join("pki"), Environment::Dev).unwrap();
    std::fs::copy(pki.edge_ca(), folder.path().join("ca.pem")).unwrap();
    refused_in(folder.path(), arguments)
}

#[track_caller]
fn refused_in(folder: &Path, arguments: &[&str]) -> String {
    let answer = strata(folder, &[&["attack"], arguments].concat());
    // 1 would say that something was found.
    assert_eq!(
        (answer.code, answer.stdout.as_str()),
        (Some(2), ""),
        "{answer:?}"
    );
    answer.stderr
}

#[test]
fn who_does_not_own_the_target_is_asked_or_refused() {
    // An address of documentation (RFC 5737): if anything were sent, it would be to nobody.
    let target = ["--url", "https://192.0.2.1", "--ca", "ca.pem"];
    let error = refused(&target);
    assert!(
        error.contains("attacking https://192.0.2.1 at 192.0.2.1:443"),
        "{error}"
    );
    assert!(
        error.contains("say `--yes 192.0.2.1` if you may attack it"),
        "{error}"
    );
    let error = refused(&[&target[..], &["--yes", "192.0.2.2"]].concat());
    assert!(error.contains("name the host you may attack"), "{error}");
}

#[test]
fn what_it_cannot_run_with_is_said_and_no_finding() {
    let error = refused(&["--fly"]);
    assert!(error.contains("unexpected argument"), "{error}");
    let error = refused(&["--only", "everything"]);
    assert!(error.contains("there is no probe everything"), "{error}");
    let error = refused(&[]);
    assert!(
        error.contains("without --url it attacks the running estate"),
        "{error}"
    );
    for (url, says) in [
        ("http://localhost:1", "begins with https"),
        ("https://localhost:1/v1", "more than a host"),
    ] {
        let error = refused(&["--url", url, "--ca", "ca.pem"]);
        assert!(error.contains(says), "{error}");
    }
    let error = refused(&["--url", "https://localhost:1", "--ca", "none.pem"]);
    assert!(error.contains("none.pem"), "{error}");
}

#[test]
fn a_token_stands_in_a_file_or_a_variable_and_is_not_repeated() {
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/openapi/storefront.v2.json");
    let with = |tokens: &[&str]| {
        let target = [
            "--url",
            "https://localhost:1",
            "--ca",
            "ca.pem",
            "--openapi",
        ];
        refused(&[&target[..], &[document.to_str().unwrap()], tokens].concat())
    };
    assert!(with(&[]).contains("give --token-a and --token-b"));
    let error = with(&["--token-a", "eyJhbGciOiJub25lIn0.e30.", "--token-b", "b"]);
    assert!(error.contains("give a file, or env:NAME"), "{error}");
    assert!(!error.contains("eyJ"), "{error}");
    let error = with(&["--token-a", "env:NO_SUCH_VARIABLE", "--token-b", "b"]);
    assert!(error.contains("NO_SUCH_VARIABLE is not set"), "{error}");
}
