//! The service as a process.

use std::process::Command;

/// The service in an environment, and nothing else in its surroundings.
fn service(environment: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_experience-support-desk"));
    command.current_dir(env!("CARGO_MANIFEST_DIR"));
    command.env_clear().env("STRATA_ENV", environment);
    command
}

#[test]
fn its_configuration_holds_in_every_environment() {
    for environment in ["dev", "test", "staging", "prod"] {
        let output = service(environment).arg("--print-config").output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{environment}: {said}");
    }
    let output = service("nowhere").arg("--print-config").output().unwrap();
    assert!(!output.status.success());
}
