//! No leak by another door: everything of a customer, what users send, tokens, keys and store urls are
//! planted, every route is driven to each of its ends, and nothing of it comes out but in the answers.

use std::{
    fs,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use http::{StatusCode, header::AUTHORIZATION};
use prost::Message as _;
use proto_system_customers::v1::{GetCustomerRequest, UpdateContactRequest};
use serde_json::json;
use sqlx::{Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};
use strata_core::Layer;
use strata_testkit::{Credential, Probe};
use strata_tests::{Edge, Instance, Launch, Rig};
use tonic::{Code, Request};

use crate::{
    CONTACT, ORDERS, OVERVIEW, STREAM,
    chain::Chain,
    panicking,
    planted::{Collector, Output, Planted, coded, keys},
    stores::open,
};

/// What a user makes up and sends: in headers, path, query and body.
const TYPED: &str = "typed-by-the-user";
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

/// Every route of an Experience API, as somebody who may and somebody who may not ask for it, well and
/// wrongly. `ends` is what the first is answered.
async fn drive(edge: &Edge, service: &str, planted: &Planted, token: &str, ends: StatusCode) {
    let customer = planted.customer();
    let routes = match service {
        "storefront" => vec![OVERVIEW.to_owned(), ORDERS.to_owned(), STREAM.to_owned()],
        _ => vec![
            format!("/v1/customers/{customer}/overview"),
            format!("/v1/customers?query={}", planted.text("given")),
        ],
    };
    let ask = async |path: &str, token: &str, expected: StatusCode| {
        let sent = edge.send(path, |request| {
            request
                .header(AUTHORIZATION, format!("Bearer {token}"))
                .header("user-agent", TYPED)
                .header("cookie", format!("session={TYPED}"))
                .header("tracestate", "typed=typed-by-the-user")
                .header("x-request-id", TYPED)
        });
        let answer = sent.await.unwrap();
        assert_eq!(answer.status, expected, "{path} {answer:?}");
        if expected != StatusCode::OK {
            let told = format!("{:?} {}", answer.headers, answer.body);
            assert!(!told.contains(TYPED) && !told.contains("kanarie"), "{told}");
        }
    };
    for route in &routes {
        ask(route, token, ends).await;
        ask(route, &format!("{token}x"), StatusCode::UNAUTHORIZED).await;
        let wrong = if route.contains('?') { "&" } else { "?" };
        ask(
            &format!("{route}{wrong}{TYPED}={TYPED}"),
            token,
            StatusCode::BAD_REQUEST,
        )
        .await;
    }
    ask(&format!("/v1/{TYPED}"), token, StatusCode::NOT_FOUND).await;
    if service == "storefront" {
        for (email, expected) in [
            (planted.text("email"), ends),
            (format!("{TYPED} and no address"), StatusCode::BAD_REQUEST),
        ] {
            let change =
                json!({ "email": email, "phone": "+447700900123", "idempotencyKey": TYPED });
            let answer = edge.patch(CONTACT, token, &change).await.unwrap();
            // A handler that panics does not look at what it is sent.
            let seen = [expected, ends].contains(&answer.status);
            assert!(seen, "{email}: {answer:?}");
        }
    }
}

/// Calls every method of a service under the identities that may call it. What it answers, by code.
async fn call(rig: &Rig, service: &str, process: &Instance, planted: &Planted) -> Vec<Code> {
    let (layer, callers) = match service {
        "customer-overview" => (Layer::Process, ["storefront", "support-desk"].as_slice()),
        _ => (Layer::System, ["customer-overview"].as_slice()),
    };
    let asked = GetCustomerRequest {
        customer_id: planted.customer(),
    };
    let change = UpdateContactRequest {
        customer_id: planted.customer(),
        email: Some(planted.text("email")),
        phone: None,
        idempotency_key: TYPED.to_owned(),
    };
    let messages = [asked.encode_to_vec(), change.encode_to_vec(), vec![0xff]];
    let mut codes = Vec::new();
    for caller in callers {
        let caller = &rig.estate.service(caller).unwrap().id;
        let credential = Credential::honest(rig.estate.pki(), caller).unwrap();
        let mut probe = Probe::new(rig.estate.pki(), process.address, &credential).unwrap();
        for method in rig.contracts.methods(layer, service) {
            for bytes in &messages {
                let mut request = Request::new(Bytes::from(bytes.clone()));
                let user = rig.principal(&planted.customer());
                rig.act_for(&user, caller, request.metadata_mut().as_mut())
                    .unwrap();
                if let Err(status) = probe.call(&method.path, request).await {
                    let told = format!("{status:?}");
                    assert!(!told.contains(TYPED) && !told.contains("kanarie"), "{told}");
                    codes.push(status.code());
                }
            }
        }
    }
    codes
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

pub(crate) async fn nothing_leaks_by_another_door(rig: &mut Rig) {
    let collector = Collector::start().await;
    let planted = Planted::write(rig, 9).await;
    let store = tempfile::tempdir().unwrap();
    let chain = Chain::start(rig, |launch| loud(launch, &collector)).await;
    let mut processes = Vec::new();
    let customer = rig.token(&planted.customer()).unwrap();
    let agent = rig.agent_token(Some("uk")).unwrap();
    let tokens = [("storefront", &customer), ("support-desk", &agent)];

    // Success, refusal and what is wrong with a request.
    for (service, token) in tokens {
        drive(
            chain.edge_of(service),
            service,
            &planted,
            token,
            StatusCode::OK,
        )
        .await;
    }
    // An error: the store fails under its service, whose url says where it lies.
    for service in ["customers", "orders"] {
        let file = copied(rig, service, store.path()).await;
        let launch = rig.another(service).unwrap();
        let launch = launch.set("STRATA_DATABASE__URL", format!("sqlite:{}", file.display()));
        let process = loud(launch, &collector).start().await.unwrap();
        broken(&file, service).await;
        let codes = call(rig, service, &process, &planted).await;
        assert!(codes.contains(&Code::Internal), "{service}: {codes:?}");
        processes.push((format!("{service} failing"), process));
    }
    let lost = loud(rig.another("customer-overview").unwrap(), &collector)
        .upstream("customers", "127.0.0.1:9".parse().unwrap())
        .upstream("orders", "127.0.0.1:9".parse().unwrap());
    let lost = lost.start().await.unwrap();
    call(rig, "customer-overview", &lost, &planted).await;
    processes.push(("customer-overview alone".to_owned(), lost));
    // A panic whose text says everything.
    let said = [planted.secrets(), vec![TYPED.to_owned()]]
        .concat()
        .join(" ");
    for (service, token) in tokens {
        let launch = panicking::launch(rig, service, &said);
        let process = loud(launch, &collector).start().await.unwrap();
        let edge = rig.edge(service).unwrap().at(process.address);
        drive(
            &edge,
            service,
            &planted,
            token,
            StatusCode::INTERNAL_SERVER_ERROR,
        )
        .await;
        processes.push((format!("{service} panicking"), process));
    }
    for service in ["customers", "orders", "customer-overview"] {
        let launch = panicking::launch(rig, service, &said);
        let process = loud(launch, &collector).start().await.unwrap();
        call(rig, service, &process, &planted).await;
        assert!(
            process.log().contains("panicked"),
            "{service} did not panic"
        );
        processes.push((format!("{service} panicking"), process));
    }

    let mut secrets = planted.secrets();
    for token in [&customer, &agent] {
        secrets.extend(token.split('.').map(str::to_owned));
    }
    secrets.extend([TYPED, STORE].map(str::to_owned));
    secrets.extend(coded(TYPED));
    for service in rig.estate.services() {
        secrets.extend(keys(&service.material));
    }
    assert!(secrets.iter().all(|secret| secret.len() > 5), "{secrets:?}");
    let mut outputs = vec![("collector".to_owned(), chain.traced(&collector).await)];
    let beside = processes
        .iter()
        .map(|(name, process)| (name.clone(), process));
    let all = chain
        .all()
        .map(|(name, process)| (name.to_owned(), process));
    for (name, process) in all.chain(beside) {
        let output = Output::of(process).await;
        assert!(output.log.contains("ready"), "{name}: this is no log");
        let sinks = output
            .sinks()
            .map(|(sink, text)| (format!("{name}, {sink}"), text.to_owned()));
        outputs.extend(sinks);
    }
    planted.remove(rig).await;
    let mut hits = Vec::new();
    for (sink, text) in &outputs {
        for secret in secrets.iter().filter(|secret| text.contains(*secret)) {
            let line = text.lines().find(|line| line.contains(secret));
            hits.push(format!("{sink} holds {secret}: {line:?}"));
        }
    }
    assert_eq!(hits, [""; 0]);
}
