//! No leak by another door: everything of a customer, what users send, tokens, keys and store urls are
//! planted, every route is driven to each of its ends, and nothing of it comes out but in the answers.

use std::{
    fs,
    path::{Path, PathBuf},
};

use http::StatusCode;
use sqlx::{Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};
use strata_tests::{Instance, Launch, Rig};
use tonic::Code;

use crate::{
    chain::Chain,
    drive::{TYPED, Users, call},
    panicking,
    planted::{Collector, Output, Planted, coded, keys},
    stores::open,
};

/// The sink that says who did what.
const TRAIL: &str = "audit trail";

/// The folder a store lies in.
const STORE: &str = "folder-of-the-store";

fn loud(launch: Launch, collector: &Collector) -> Launch {
    launch
        .set(
            "STRATA_TELEMETRY__LOG_FILTER",
            "debug,sqlx=trace,strata_middleware=trace",
        )
        .set("STRATA_TELEMETRY__OTLP_ENDPOINT", collector.url())
        .set("STRATA_TELEMETRY__SAMPLE_RATIO", "1")
}

/// A copy of a service's store, in a folder whose name only its url says.
async fn copied(rig: &Rig, service: &str, folder: &Path) -> PathBuf {
    let folder = folder.join(format!("{STORE}-{service}"));
    fs::create_dir(&folder).unwrap();
    let file = folder.join("data.db");
    sqlx::query("VACUUM INTO ?1")
        .bind(file.to_str().unwrap())
        .execute(&mut open(rig, service).await)
        .await
        .unwrap();
    file
}

/// Makes every statement on a store fail.
async fn broken(file: &Path, table: &str) {
    let options = SqliteConnectOptions::new().filename(file);
    let mut store = SqliteConnection::connect_with(&options).await.unwrap();
    let rename = format!("ALTER TABLE {table} RENAME TO lost");
    let rename = sqlx::query(sqlx::AssertSqlSafe(rename));
    rename.execute(&mut store).await.unwrap();
}

/// System APIs whose stores fail; their urls say where they lie.
async fn failing(rig: &Rig, folder: &Path, form: impl Fn(Launch) -> Launch) -> [Instance; 2] {
    let start = async |service| {
        let file = copied(rig, service, folder).await;
        let url = format!("sqlite:{}", file.display());
        let launch = rig.another(service).unwrap();
        let launch = form(launch.set("STRATA_DATABASE__URL", url));
        let process = launch.start().await.unwrap();
        broken(&file, service).await;
        process
    };
    [start("customers").await, start("orders").await]
}

pub(crate) async fn nothing_leaks_by_another_door(rig: &mut Rig) {
    let collector = Collector::default();
    let loud = |launch| loud(launch, &collector);
    let planted = Planted::write(rig, 9).await;
    let store = tempfile::tempdir().unwrap();
    let users = Users::all(rig, &planted);
    let mut processes = Vec::new();

    // Success, refusal and what is wrong with a request.
    let chain = Chain::start(rig, loud).await;
    for users in &users {
        let edge = chain.edge_of(users.service);
        users.drive(edge, &planted, (StatusCode::OK, false)).await;
    }
    processes.extend(chain.into_all());
    // Errors, at the hop they come from and at each above.
    let failing = failing(rig, store.path(), loud).await;
    for (service, process) in ["customers", "orders"].into_iter().zip(&failing) {
        call(rig, service, process, &planted, Code::Internal).await;
    }
    let nowhere = "127.0.0.1:9".parse().unwrap();
    for (how, below, code) in [
        (
            "over failing",
            failing.each_ref().map(|it| it.address),
            Code::Internal,
        ),
        ("over none", [nowhere; 2], Code::Unavailable),
    ] {
        let overview = loud(rig.another("customer-overview").unwrap())
            .upstream("customers", below[0])
            .upstream("orders", below[1]);
        let overview = overview.start().await.unwrap();
        call(rig, "customer-overview", &overview, &planted, code).await;
        let ends = match code {
            Code::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::SERVICE_UNAVAILABLE,
        };
        for users in &users {
            let launch = loud(rig.another(users.service).unwrap());
            let launch = launch.upstream("customer-overview", overview.address);
            let process = launch.start().await.unwrap();
            let edge = rig.edge(users.service).unwrap().at(process.address);
            let late = code == Code::Internal;
            users.drive(&edge, &planted, (ends, late)).await;
            processes.push((format!("{} {how}", users.service), process));
        }
        processes.push((format!("customer-overview {how}"), overview));
    }
    let named = ["customers failing", "orders failing"].map(str::to_owned);
    processes.extend(named.into_iter().zip(failing));
    // A panic whose text says everything.
    let said = [planted.secrets(), vec![TYPED.to_owned()]]
        .concat()
        .join(" ");
    let panicking = async |service| {
        let launch = panicking::launch(rig, service, &said);
        loud(launch).start().await.unwrap()
    };
    for users in &users {
        let process = panicking(users.service).await;
        let edge = rig.edge(users.service).unwrap().at(process.address);
        let ends = (StatusCode::INTERNAL_SERVER_ERROR, false);
        users.drive(&edge, &planted, ends).await;
        processes.push((format!("{} panicking", users.service), process));
    }
    for service in ["customers", "orders", "customer-overview"] {
        let process = panicking(service).await;
        call(rig, service, &process, &planted, Code::Internal).await;
        processes.push((format!("{service} panicking"), process));
    }

    let outputs = outputs(processes, &collector).await;
    let secrets = secrets(rig, &planted, &users);
    // Who somebody is stands in the trail, and nothing else of them.
    let is_who =
        |sink: &str, secret: &String| sink.ends_with(TRAIL) && *secret == planted.customer();
    let mut hits = Vec::new();
    for (sink, text) in &outputs {
        let out = secrets.iter().filter(|secret| text.contains(*secret));
        for secret in out.filter(|secret| !is_who(sink, secret)) {
            let line = text.lines().find(|line| line.contains(secret));
            hits.push(format!("{sink} holds {secret}: {line:?}"));
        }
    }
    planted.remove(rig).await;
    assert_eq!(hits, [""; 0]);
}

/// What must be nowhere.
fn secrets(rig: &Rig, planted: &Planted, users: &[Users]) -> Vec<String> {
    let mut secrets = planted.secrets();
    for token in users.iter().flat_map(Users::tokens) {
        secrets.extend(token.split('.').map(str::to_owned));
    }
    secrets.extend([TYPED, STORE].map(str::to_owned));
    secrets.extend(coded(TYPED));
    for service in rig.estate.services() {
        secrets.extend(keys(&service.material));
    }
    assert!(secrets.iter().all(|secret| secret.len() > 5), "{secrets:?}");
    secrets
}

/// Everything processes put out beside their answers, to their end, by process and sink.
async fn outputs(
    processes: Vec<(String, Instance)>,
    collector: &Collector,
) -> Vec<(String, String)> {
    let count = processes.len();
    let mut outputs = Vec::new();
    for (name, process) in processes {
        let output = Output::at_the_end_of(process).await;
        assert!(output.log.contains("ready"), "{name}: this is no log");
        assert!(output.trail.contains("spiffe://"), "{name}: no trail");
        let panicked = name.contains("panicking");
        assert_eq!(!output.panics.is_empty(), panicked, "{name}");
        let sinks = output
            .sinks()
            .map(|(sink, text)| (format!("{name}, {sink}"), text.to_owned()));
        outputs.extend(sinks);
        outputs.push((format!("{name}, {TRAIL}"), output.trail.clone()));
    }
    let traced = collector.texts();
    assert_eq!(traced.len(), count);
    for (process, text) in traced.into_iter().enumerate() {
        let text =
            text.unwrap_or_else(|| panic!("the process started as number {process} sent no spans"));
        // As it is, not packed: else a search would find nothing.
        assert!(text.contains("service.name"), "{text}");
        outputs.push((format!("collector of number {process}"), text));
    }
    outputs
}
