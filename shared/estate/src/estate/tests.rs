//! An estate of shell scripts: what is started, in which order, and that nothing is left behind.

use std::{
    collections::BTreeMap,
    fs,
    net::{Ipv4Addr, TcpListener},
};

use strata_config::trust_domain;

use super::*;
use crate::fixture;

/// Notes its start, announces itself under its real identity, lives until asked to stop.
const HONEST: &str = r#"trap 'echo "stopped NAME" >>JOURNAL; exit 0' TERM
echo "started $4" >>JOURNAL
echo '{"id":"ID","address":"127.0.0.1:1","admin":"127.0.0.1:2"}' >"$4.new"; mv "$4.new" "$4"
while :; do sleep 0.01; done"#;

struct Fixture {
    root: TempDir,
    binaries: Binaries,
}

impl Fixture {
    /// One service per layer, each calling the one below.
    fn new(process: &str) -> Self {
        let root = tempfile::tempdir().unwrap();
        let place = |path: &str| root.path().join(path);
        fs::create_dir_all(place("shared/config")).unwrap();
        fs::write(place("shared/config/estate.toml"), "").unwrap();
        let mut binaries = BTreeMap::new();
        for layer in Layer::ALL {
            let folder = place(&format!("{layer}-api/{layer}-sample"));
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("Cargo.toml"), "").unwrap();
            let calls = layer.callees().map(|callee| {
                format!("[[calls]]\nservice = \"{callee}-sample\"\nmethods = [\"Get\"]\n")
            });
            let manifest = format!(
                "name = \"{layer}-sample\"\nlayer = \"{layer}\"\nowner = \"team\"\n\
                 description = \"A sample.\"\n{}",
                calls.collect::<String>()
            );
            fs::write(folder.join("service.toml"), manifest).unwrap();
            let script = if layer == Layer::Process {
                process
            } else {
                HONEST
            };
            let name = format!("{layer}-sample");
            let id = trust_domain(layer, Environment::Dev)
                .unwrap()
                .workload(&name)
                .unwrap();
            let script = script
                .replace("ID", id.as_str())
                .replace("NAME", &name)
                .replace("JOURNAL", place("journal").to_str().unwrap());
            let binary = place(&name);
            fixture::script(&binary, &script);
            binaries.insert(format!("{layer}-{name}"), binary);
        }
        Self {
            root,
            binaries: Binaries::of(binaries),
        }
    }

    async fn start(&self, edge_port: Option<u16>) -> (Result<Estate>, Vec<String>) {
        let mut steps = Vec::new();
        let estate = Estate::start(Options {
            workspace: &Workspace::at(self.root.path()),
            binaries: &self.binaries,
            environment: Environment::Dev,
            settings: &[],
            edge_port,
            progress: &mut |step| steps.push(format!("{step:?}")),
        })
        .await;
        (estate, steps)
    }

    fn journal(&self) -> Vec<String> {
        let journal = fs::read_to_string(self.root.path().join("journal")).unwrap_or_default();
        journal.lines().map(str::to_owned).collect()
    }
}

#[tokio::test]
async fn services_start_bottom_up_and_stop_top_down() {
    let fixture = Fixture::new(HONEST);
    let (estate, steps) = fixture.start(None).await;
    let estate = estate.unwrap();
    assert_eq!(
        steps
            .iter()
            .filter(|step| step.starts_with("Ready"))
            .collect::<Vec<_>>(),
        [
            "Ready(\"system-sample\")",
            "Ready(\"process-sample\")",
            "Ready(\"experience-sample\")"
        ]
    );
    let folder = estate.folder().to_owned();
    estate.stop().await;
    assert!(!folder.exists());
    assert_eq!(
        fixture.journal().split_off(3),
        [
            "stopped experience-sample",
            "stopped process-sample",
            "stopped system-sample"
        ]
    );
}

#[tokio::test]
async fn when_one_cannot_start_nothing_is_left() {
    let fixture = Fixture::new("echo no such table >&2; exit 1");
    let (estate, _) = fixture.start(None).await;
    let error = estate.err().unwrap().to_string();
    assert!(
        error.contains("process-process-sample") && error.contains("no such table"),
        "{error}"
    );
    let journal = fixture.journal();
    let [started, stopped] = journal.as_slice() else {
        panic!("{journal:?}")
    };
    assert_eq!(stopped, "stopped system-sample");
    let (_, announce) = started.split_once(' ').unwrap();
    assert!(
        !Path::new(announce).parent().unwrap().exists(),
        "{announce} was left behind"
    );
}

#[tokio::test]
async fn one_that_claims_another_identity_is_refused() {
    let fixture = Fixture::new(&HONEST.replace("ID", "spiffe://elsewhere/sample"));
    let (estate, _) = fixture.start(None).await;
    let error = estate.err().unwrap().to_string();
    assert!(error.contains("spiffe://elsewhere/sample"), "{error}");
}

#[tokio::test]
async fn a_dead_service_is_named_and_can_be_restarted() {
    let fixture = Fixture::new(HONEST);
    let mut estate = fixture.start(None).await.0.unwrap();
    estate.check_running().unwrap();
    estate.kill("process-sample").await.unwrap();
    let error = estate.check_running().unwrap_err().to_string();
    assert!(
        error.contains("process-process-sample ended with signal: 9"),
        "{error}"
    );
    assert_eq!(estate.unexpected_end().await.to_string(), error);
    estate.restart("process-sample").await.unwrap();
    estate.check_running().unwrap();
    estate.stop().await;
}

#[tokio::test]
async fn a_taken_port_is_said_and_another_used() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = taken.local_addr().unwrap().port();
    let fixture = Fixture::new(HONEST);
    let (estate, steps) = fixture.start(Some(port)).await;
    assert!(steps.contains(&format!("PortTaken({port})")), "{steps:?}");
    estate.unwrap().stop().await;
}

#[tokio::test]
async fn only_dev_runs_on_loopback() {
    let fixture = Fixture::new(HONEST);
    let workspace = Workspace::at(fixture.root.path());
    let outcome = Estate::start(Options {
        workspace: &workspace,
        binaries: &fixture.binaries,
        environment: Environment::Prod,
        settings: &[],
        edge_port: None,
        progress: &mut |_| {},
    })
    .await;
    assert!(
        outcome
            .err()
            .unwrap()
            .to_string()
            .contains("runs in dev only")
    );
    assert_eq!(fixture.journal(), [""; 0]);
}

#[tokio::test]
async fn another_program_learns_everything_from_the_summary() {
    let fixture = Fixture::new(HONEST);
    let workspace = Workspace::at(fixture.root.path());
    assert!(Summary::read(&workspace, Environment::Dev).is_err());
    let estate = fixture.start(None).await.0.unwrap();
    let summary = estate.summary(&TokenRequest::default()).unwrap();
    summary.publish(&workspace).unwrap();
    assert_eq!(
        Summary::read(&workspace, Environment::Dev).unwrap(),
        summary
    );
    assert_eq!(summary.services.len(), 3);
    assert_eq!(summary.edges.first().unwrap().url, "https://localhost:1");
    summary.withdraw(&workspace);
    assert!(Summary::read(&workspace, Environment::Dev).is_err());
    estate.stop().await;
}
