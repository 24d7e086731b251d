//! `check`: nothing is found in a correct estate, and each mistake is found where it is.

use strata_config::Expires;

use super::{sample::Sample, strata::strata};

/// A correct estate after one change.
#[track_caller]
fn findings(change: impl FnOnce(&Sample)) -> Vec<(String, String)> {
    let sample = Sample::new();
    strata(sample.root(), &["graph", "--write"]).data();
    strata(sample.root(), &["openapi", "--write"]).data();
    strata(sample.root(), &["data-map", "--write"]).data();
    strata(sample.root(), &["catalogue", "--write"]).data();
    strata(sample.root(), &["events", "--write"]).data();
    assert_eq!(strata(sample.root(), &["check"]).data(), "nothing found\n");
    change(&sample);
    let answer = strata(sample.root(), &["check", "--format", "json"]);
    assert_eq!(answer.code, Some(1), "{answer:?}");
    let findings: Vec<serde_json::Value> = serde_json::from_str(&answer.stdout).unwrap();
    let text = |finding: &serde_json::Value, key: &str| finding[key].as_str().unwrap().to_owned();
    for finding in &findings {
        assert!(!text(finding, "remedy").is_empty());
    }
    findings
        .iter()
        .map(|finding| (text(finding, "file"), text(finding, "problem")))
        .collect()
}

#[track_caller]
fn found(findings: &[(String, String)], file: &str, problem: &str) {
    let hit = findings
        .iter()
        .any(|(at, what)| at == file && what.contains(problem));
    assert!(hit, "no {file}: {problem} in {findings:#?}");
}

#[test]
fn a_contract_of_a_forbidden_layer() {
    let findings = findings(|sample| {
        sample.replace(
            "experience-api/app/Cargo.toml",
            "[dependencies]\n",
            "[dependencies]\nproto-system-ledger = { path = \"../../proto/system/ledger\" }\n",
        );
    });
    found(
        &findings,
        "experience-api/app/Cargo.toml",
        "the experience layer may not call system-ledger",
    );
    found(&findings, "docs/graph.json", "differs");
}

const LEDGER_CALLERS: &str = "system-api/ledger/policy/callers.toml";

/// Lets the Experience API call the System API until so many days from now, on both sides.
fn exempt(sample: &Sample, days: i64) {
    sample.replace(
        "experience-api/app/Cargo.toml",
        "[dependencies]\n",
        "[dependencies]\nproto-system-ledger = { path = \"../../proto/system/ledger\" }\n",
    );
    let terms = format!(
        "reason = \"a test\", owner = \"team\", expires = \"{}\"",
        Expires::in_days(days)
    );
    let file = "experience-api/app/service.toml";
    let text = sample.read(file)
        + "[[exemptions]]\nlayer = \"system\"\nservice = \"ledger\"\nmethods = [\"Get\"]\n"
        + &terms.replace(", ", "\n")
        + "\n";
    sample.write(file, &text);
    let text = sample.read(LEDGER_CALLERS)
        + "[[callers]]\nservice = \"app\"\nlayer = \"experience\"\nmethods = [\"Get\"]\n\
           clearance = { sensitivity = \"confidential\", categories = [\"personal\"] }\n"
        + &format!("exemption = {{ {terms} }}\n");
    sample.write(LEDGER_CALLERS, &text);
    strata(sample.root(), &["graph", "--write"]).data();
    strata(sample.root(), &["data-map", "--write"]).data();
}

#[test]
fn an_exemption_of_both_sides_is_no_finding_and_is_listed() {
    let sample = Sample::new();
    for paper in ["openapi", "catalogue", "events"] {
        strata(sample.root(), &[paper, "--write"]).data();
    }
    exempt(&sample, 30);
    let said = strata(sample.root(), &["check"]).data();
    let expected = format!(
        "exempted until {}: experience-app calls system-ledger, says team: a test\nnothing found\n",
        Expires::in_days(30)
    );
    assert_eq!(said, expected);
    let shown = strata(sample.root(), &["graph", "--format", "mermaid"]).data();
    let edge = format!(
        "experience-app -.->|Get, exempt until {}| system-ledger",
        Expires::in_days(30)
    );
    assert!(shown.contains(&edge), "{shown}");
}

#[test]
fn an_exemption_of_one_side_or_past_its_date() {
    let of_the_caller = findings(|sample| {
        let before = sample.read(LEDGER_CALLERS);
        exempt(sample, 30);
        sample.write(LEDGER_CALLERS, &before);
    });
    let denied = "does not let experience-app call Get";
    found(&of_the_caller, LEDGER_CALLERS, denied);

    let manifest = "experience-api/app/service.toml";
    let of_the_callee = findings(|sample| {
        let before = sample.read(manifest);
        exempt(sample, 30);
        sample.write(manifest, &before);
    });
    let unused = "lets experience-app call Get, which it does not declare";
    found(&of_the_callee, LEDGER_CALLERS, unused);
    let forbidden = "the experience layer may not call system-ledger";
    found(&of_the_callee, "experience-api/app/Cargo.toml", forbidden);

    let over = findings(|sample| exempt(sample, -1));
    found(&over, manifest, "system-ledger: the exemption ended on");
    found(
        &over,
        LEDGER_CALLERS,
        "experience-app: the exemption ended on",
    );

    let apart = findings(|sample| {
        exempt(sample, 30);
        let (one, other) = (Expires::in_days(30), Expires::in_days(31));
        sample.replace(LEDGER_CALLERS, &one.to_string(), &other.to_string());
    });
    found(&apart, LEDGER_CALLERS, "and its service.toml says");

    let not_compiled = findings(|sample| {
        exempt(sample, 30);
        let dependency = "proto-system-ledger = { path = \"../../proto/system/ledger\" }\n";
        sample.replace("experience-api/app/Cargo.toml", dependency, "");
    });
    let missing = "does not depend on proto-system-ledger, whose calls";
    found(&not_compiled, "experience-api/app/Cargo.toml", missing);
}

#[test]
fn a_call_that_is_declared_on_one_side_only() {
    let undeclared = findings(|sample| {
        let file = "process-api/balance/service.toml";
        let text = sample.read(file);
        sample.write(file, text.split("[[calls]]").next().unwrap());
    });
    found(
        &undeclared,
        "process-api/balance/service.toml",
        "does not declare the calls to",
    );
    found(
        &undeclared,
        "system-api/ledger/policy/callers.toml",
        "which it does not declare",
    );

    let uncompiled = findings(|sample| {
        sample.replace(
            "process-api/balance/Cargo.toml",
            "proto-system-ledger = { path = \"../../proto/system/ledger\" }\n",
            "",
        );
    });
    found(
        &uncompiled,
        "process-api/balance/Cargo.toml",
        "does not depend on proto-system-ledger",
    );
}

#[test]
fn a_callee_that_does_not_exist() {
    let findings = findings(|sample| {
        sample.replace(
            "process-api/balance/service.toml",
            "\"ledger\"",
            "\"leger\"",
        );
    });
    found(
        &findings,
        "process-api/balance/service.toml",
        "calls system-leger, which does not exist",
    );
}

#[test]
fn a_grant_that_is_missing_unused_or_wrong() {
    let file = "process-api/balance/policy/callers.toml";
    let missing = findings(|sample| sample.write(file, ""));
    found(&missing, file, "does not let experience-app call Get");
    let unused = findings(|sample| sample.replace(file, "[\"Get\"]", "[\"Get\", \"Put\"]"));
    found(
        &unused,
        file,
        "lets experience-app call Put, which it does not declare",
    );
    let wrong = findings(|sample| sample.replace(file, "experience", "system"));
    found(
        &wrong,
        file,
        "the system layer may not call the process layer",
    );
}

#[test]
fn a_contract_that_breaks_a_rule() {
    let file = "proto/process/balance/v1/balance.proto";
    let low = findings(|sample| sample.replace(file, "INTERNAL, ", "PUBLIC, "));
    found(
        &low,
        &format!("{file}:18"),
        "message Balance, field minor is PUBLIC [PERSONAL], and kind `amount` is at least INTERNAL",
    );
    let gone = findings(|sample| {
        sample.replace("proto/system/ledger/v1/ledger.proto", "minor", "sum");
    });
    found(
        &gone,
        &format!("{file}:18"),
        "but message Account has no field `minor`",
    );
}

#[test]
fn a_clearance_that_does_not_cover_a_call() {
    let file = "system-api/ledger/policy/callers.toml";
    let low = findings(|sample| sample.replace(file, "confidential", "internal"));
    found(
        &low,
        file,
        "clears balance for { sensitivity = \"internal\", categories = [\"personal\"] }, and Get \
         takes or returns { sensitivity = \"confidential\", categories = [\"personal\"] }",
    );
}

#[test]
fn a_document_that_is_not_what_the_contract_says() {
    let file = "docs/openapi/app.v1.json";
    let edited = findings(|sample| sample.replace(file, "/v1/balance", "/v1/balances"));
    found(&edited, file, "differs from what the contract says");
    let contract = "proto/experience/app/v1/app.proto";
    let changed = findings(|sample| sample.replace(contract, "/v1/balance", "/v1/sum"));
    found(&changed, file, "differs from what the contract says");
    let missing = findings(|sample| std::fs::remove_file(sample.root().join(file)).unwrap());
    found(&missing, file, "is missing");
    let stray = findings(|sample| sample.write("docs/openapi/gone.json", "{}"));
    found(
        &stray,
        "docs/openapi/gone.json",
        "of no version of an Experience API",
    );
}

#[test]
fn a_data_map_that_is_not_what_the_contracts_say() {
    let problem = "differs from what it is made from";
    let edited = findings(|sample| sample.replace("docs/data-map.md", "P7Y", "P1D"));
    found(&edited, "docs/data-map.md", problem);
    let contract = "proto/system/ledger/v1/ledger.proto";
    let changed = findings(|sample| sample.replace(contract, "P7Y", "P1D"));
    found(&changed, "docs/data-map.md", problem);
    found(&changed, "docs/data-map.html", problem);
    let missing = findings(|sample| {
        std::fs::remove_file(sample.root().join("docs/data-map.html")).unwrap();
    });
    found(&missing, "docs/data-map.html", "is missing");
}

#[test]
fn a_catalogue_that_is_not_what_contracts_and_plans_say() {
    let problem = "differs from what it is made from";
    let edited = findings(|sample| sample.replace("docs/catalogue.md", "team", "nobody"));
    found(&edited, "docs/catalogue.md", problem);
    let plans = "experience-api/app/policy/plans.toml";
    let changed = findings(|sample| sample.replace(plans, "1000", "2000"));
    found(&changed, "docs/catalogue.md", problem);
    found(&changed, "docs/catalogue.html", problem);
    let missing = findings(|sample| {
        std::fs::remove_file(sample.root().join("docs/catalogue.html")).unwrap();
    });
    found(&missing, "docs/catalogue.html", "is missing");
    let unknown = findings(|sample| sample.replace(plans, "GetBalance", "GetBalances"));
    let problem = "plan 'standard' has method 'GetBalances', which no version has";
    found(&unknown, "docs/catalogue.md", problem);
}

#[test]
fn a_paper_of_the_events_that_is_not_what_services_tell() {
    let file = "docs/security/events.md";
    let edited = findings(|sample| sample.replace(file, "token_refused", "token_taken"));
    found(&edited, file, "differs from what it is made from");
    let missing = findings(|sample| std::fs::remove_file(sample.root().join(file)).unwrap());
    found(&missing, file, "is missing");
}

#[test]
fn a_policy_that_does_not_hold() {
    let file = "system-api/ledger/policy/access.cedar";
    let at = |line: usize| format!("{file}:{line}");
    let unparsed = findings(|sample| sample.replace(file, "permit (", "permitt ("));
    found(&unparsed, &at(3), "invalid policy effect: permitt");
    let unknown = findings(|sample| sample.replace(file, "Action::\"Get\"", "Action::\"Gett\""));
    found(&unknown, &at(5), "Gett");
    let closed = findings(|sample| sample.write(file, ""));
    found(
        &closed,
        "system-api/ledger/policy",
        "no policy could permit Get",
    );
    let blanket = findings(|sample| sample.replace(file, "principal is User", "principal"));
    found(
        &blanket,
        &at(1),
        "policy `users-read` is BLANKET: it permits any principal",
    );
    let past = findings(|sample| sample.replace(file, "9999-12-31", "2020-02-29"));
    found(&past, &at(1), "was to be reviewed by 2020-02-29");
    let unreviewed = findings(|sample| sample.replace(file, "@review(\"9999-12-31\")\n", ""));
    found(&unreviewed, &at(1), "has no @review");
}

#[test]
fn a_configuration_that_would_not_start() {
    let file = "system-api/ledger/config/prod.toml";
    let misspelt = findings(|sample| sample.write(file, "[listen]\nadress = \"0.0.0.0:1\"\n"));
    found(&misspelt, &format!("{file}:2"), "listen.adress");

    let sample = Sample::new();
    strata(sample.root(), &["graph", "--write"]).data();
    strata(sample.root(), &["openapi", "--write"]).data();
    strata(sample.root(), &["data-map", "--write"]).data();
    strata(sample.root(), &["catalogue", "--write"]).data();
    strata(sample.root(), &["events", "--write"]).data();
    sample.write(file, "[listen]\nadress = \"0.0.0.0:1\"\n");
    strata(sample.root(), &["check", "--env", "dev"]).data();
    strata(sample.root(), &["check", "--env", "prod"]).error();
}
