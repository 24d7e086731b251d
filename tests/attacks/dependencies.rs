//! What deny.toml allows of other people's code, on a package of one dependency: the honest one passes, each
//! other is refused for its reason. `.ci/run` asks the same of the repository.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
};

use strata_tests::{Rig, programs};
use tokio::process::Command;

use crate::defined::ROOT;

/// A dependency by name, version and licence, and the check that refuses it.
const REFUSED: [(&str, &str, &str, &str); 5] = [
    ("openssl", "0.10.0", "MIT", "bans FAILED"),
    ("ring", "0.17.0", "MIT", "bans FAILED"),
    // Who names rustls has a way round the verifier.
    ("rustls", "0.23.0", "MIT", "bans FAILED"),
    ("honest", "1.0.0", "GPL-3.0-only", "licenses FAILED"),
    ("honest", "1.0.0", "", "licenses FAILED"),
];

/// Writes a package, and one that it depends on.
fn package(folder: &Path, (name, version, license): (&str, &str, &str)) -> PathBuf {
    let write = |folder: &Path, manifest: String| {
        fs::create_dir_all(folder.join("src")).unwrap();
        fs::write(folder.join("src/lib.rs"), "").unwrap();
        fs::write(folder.join("Cargo.toml"), manifest).unwrap();
    };
    let license = match license {
        "" => String::new(),
        license => format!("license = \"{license}\"\n"),
    };
    write(
        &folder.join(name),
        format!("[package]\nname = \"{name}\"\nversion = \"{version}\"\n{license}"),
    );
    write(
        folder,
        format!(
            "[package]\nname = \"asking\"\nversion = \"1.0.0\"\nlicense = \"MIT\"\n\
             [workspace]\n[dependencies]\n{name} = {{ path = \"{name}\", version = \"{version}\" }}\n"
        ),
    );
    folder.join("Cargo.toml")
}

async fn ran(mut command: Command) -> (bool, String) {
    let output = command.stdin(Stdio::null()).output().await.unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    (output.status.success(), said)
}

async fn denied(mut deny: Command, manifest: &Path) -> (bool, String) {
    deny.args(["--offline", "--color", "never", "--manifest-path"])
        .arg(manifest)
        .arg("--config")
        .arg(Path::new(ROOT).join("deny.toml"));
    deny.args(["check", "bans", "licenses", "sources"]);
    ran(deny).await
}

pub(crate) async fn what_is_not_allowed_is_refused(_: &mut Rig) {
    // What is not as the lock file says is not built.
    let scratch = tempfile::tempdir().unwrap();
    let manifest = package(scratch.path(), ("honest", "1.0.0", "MIT"));
    let locked = async |more: &[&str]| {
        let mut cargo = Command::new("cargo");
        cargo.args(["metadata", "--format-version", "1", "--offline"]);
        ran(cargo_at(cargo, more, &manifest)).await
    };
    assert!(locked(&[]).await.0);
    assert!(locked(&["--locked"]).await.0);
    package(scratch.path(), ("another", "1.0.0", "MIT"));
    let (built, said) = locked(&["--locked"]).await;
    assert!(!built, "what is not locked is taken");
    assert!(said.contains("--locked"), "{said}");
    let ci = fs::read_to_string(Path::new(ROOT).join(".ci/run")).unwrap();
    for step in [
        "cargo test --locked",
        "--locked check bans licenses sources",
    ] {
        assert!(ci.contains(step), ".ci/run does not {step}");
    }

    let Some(_) = programs::cargo_deny().await.unwrap() else {
        return;
    };
    for (name, version, license, reason) in
        [("honest", "1.0.0", "MIT", "")].into_iter().chain(REFUSED)
    {
        let scratch = tempfile::tempdir().unwrap();
        let manifest = package(scratch.path(), (name, version, license));
        let deny = programs::cargo_deny().await.unwrap().unwrap();
        let (passed, said) = denied(deny, &manifest).await;
        let what = format!("{name} {version} of licence {license:?}");
        assert_eq!(passed, reason.is_empty(), "{what}: {said}");
        assert!(said.contains(reason), "{what}: {said}");
    }
}

fn cargo_at(mut cargo: Command, more: &[&str], manifest: &Path) -> Command {
    cargo.args(more).arg("--manifest-path").arg(manifest);
    cargo
}
