//! `audit export --format otlp`, printed and sent to a receiver that listens here.

use std::{
    collections::BTreeSet,
    convert::Infallible,
    fs,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use http_body_util::{BodyExt as _, Full};
use hyper::{Request, Response, body::Bytes, body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::{
    collector::logs::v1::{
        ExportLogsPartialSuccess, ExportLogsServiceRequest, ExportLogsServiceResponse,
    },
    common::v1::{AnyValue, KeyValue, any_value::Value as Any},
    logs::v1::LogRecord,
};
use prost::Message as _;
use strata_config::{Environment, trust_domain};
use strata_core::Layer;
use tokio::net::TcpListener;
use tonic_types::pb::Status;

use super::{
    audit::Running,
    strata::{Answer, strata},
};

const PROTOBUF: &str = "application/x-protobuf";

/// A receiver of OTLP/HTTP that answers always the same, and keeps what it was sent.
struct Receiver {
    address: SocketAddr,
    sent: Arc<Mutex<Vec<(String, String, Bytes)>>>,
}

impl Receiver {
    async fn answering(status: u16, body: Vec<u8>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let sent = Arc::new(Mutex::new(Vec::new()));
        let keep = Arc::clone(&sent);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (keep, body) = (Arc::clone(&keep), Bytes::from(body.clone()));
                let serve = service_fn(move |request: Request<Incoming>| {
                    let (keep, body) = (Arc::clone(&keep), body.clone());
                    async move {
                        let kind = request.headers()["content-type"]
                            .to_str()
                            .unwrap()
                            .to_owned();
                        let what = format!("{} {}", request.method(), request.uri());
                        let bytes = request.into_body().collect().await.unwrap().to_bytes();
                        keep.lock().unwrap().push((what, kind, bytes));
                        let answer = Response::builder()
                            .status(status)
                            .header("content-type", PROTOBUF)
                            .body(Full::new(body));
                        Ok::<_, Infallible>(answer.unwrap())
                    }
                });
                let connection = hyper::server::conn::http1::Builder::new();
                let served = connection.serve_connection(TokioIo::new(stream), serve);
                tokio::spawn(served);
            }
        });
        Self { address, sent }
    }

    async fn taking_all() -> Self {
        Self::answering(200, ExportLogsServiceResponse::default().encode_to_vec()).await
    }

    fn url(&self) -> String {
        format!("http://{}/v1/logs", self.address)
    }

    /// The requests it was sent.
    fn requests(&self) -> Vec<ExportLogsServiceRequest> {
        let sent = self.sent.lock().unwrap();
        let requests = sent.iter().map(|(what, kind, bytes)| {
            assert_eq!((what.as_str(), kind.as_str()), ("POST /v1/logs", PROTOBUF));
            ExportLogsServiceRequest::decode(bytes.clone()).unwrap()
        });
        requests.collect()
    }
}

/// Exports as OTLP.
fn export(running: &Running, more: &[&str]) -> Answer {
    let arguments = [&["audit", "export", "--format", "otlp"], more].concat();
    strata(running.sample.root(), &arguments)
}

fn records(request: &ExportLogsServiceRequest) -> Vec<&LogRecord> {
    let scopes = request.resource_logs.iter().flat_map(|it| &it.scope_logs);
    scopes.flat_map(|scope| &scope.log_records).collect()
}

fn member<'a>(members: &'a [KeyValue], key: &str) -> &'a Any {
    let member = members.iter().find(|member| member.key == key);
    let member = member.unwrap_or_else(|| panic!("no {key} in {members:?}"));
    member.value.as_ref().unwrap().value.as_ref().unwrap()
}

fn text(text: &str) -> Any {
    Any::StringValue(text.to_owned())
}

/// The members of a structured value.
#[track_caller]
fn members(value: Option<&AnyValue>) -> &[KeyValue] {
    match value.and_then(|value| value.value.as_ref()) {
        Some(Any::KvlistValue(list)) => &list.values,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_is_sent_every_record_with_its_trace() {
    let (running, receiver) = (Running::new().await, Receiver::taking_all().await);
    let said = export(&running, &["--endpoint", &receiver.url()]).data();
    assert_eq!(said, "3 records were taken\n");
    let [request] = receiver.requests().try_into().unwrap();
    let resource = request.resource_logs[0].resource.as_ref().unwrap();
    assert_eq!(
        *member(&resource.attributes, "service.name"),
        text("ledger")
    );
    let environment = member(&resource.attributes, "deployment.environment.name");
    assert_eq!(*environment, text("dev"));
    let domain = trust_domain(Layer::System, Environment::Dev).unwrap();
    let id = domain.workload("ledger").unwrap();
    let own = member(&resource.attributes, "strata.spiffe_id");
    assert_eq!(*own, text(id.as_str()));

    let records = records(&request);
    let traces: Vec<_> = records.iter().map(|it| it.trace_id.clone()).collect();
    assert_eq!(
        traces,
        [1_u128, 2, 3].map(|trace| trace.to_be_bytes().to_vec())
    );
    let numbers: Vec<_> = records
        .iter()
        .map(|it| member(&it.attributes, "strata.audit.sequence"))
        .collect();
    assert_eq!(
        numbers,
        [&Any::IntValue(2), &Any::IntValue(3), &Any::IntValue(4)]
    );
    assert!(
        records
            .iter()
            .all(|it| it.time_unix_nano > 1_600_000_000_000_000_000)
    );
    assert!(records[2].severity_number > records[0].severity_number);
    // The body is the event that the other export prints.
    let body = members(records[2].body.as_ref());
    assert_eq!(*member(body, "class_uid"), Any::IntValue(6003));
    assert_eq!(*member(body, "status"), text("Failure"));
    let bytes = request.encode_to_vec();
    assert!(!String::from_utf8_lossy(&bytes).contains("per_1"));

    // What is printed is the same: a line of OTLP/JSON for each request.
    let printed = export(&running, &[]).data();
    let lines: Vec<ExportLogsServiceRequest> = printed
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines, [request]);
    let trace = format!("\"traceId\":\"{:032x}\"", 3);
    assert!(printed.contains(&trace), "{printed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_bent_trail_nothing_is_exported() {
    let (running, receiver) = (Running::new().await, Receiver::taking_all().await);
    let endpoint = receiver.url();
    export(&running, &["--endpoint", &endpoint]).data();
    assert_eq!(receiver.requests().len(), 1);

    let file = running.trail();
    let mut bytes = fs::read(&file).unwrap();
    let middle = bytes.len() * 2 / 3;
    bytes[middle] ^= 1;
    fs::write(&file, bytes).unwrap();
    let ocsf = strata(running.sample.root(), &["audit", "export"]);
    for answer in [export(&running, &[]), ocsf] {
        assert_eq!(answer.stdout, "");
        let error = answer.error();
        assert!(error.contains("not as it was written"), "{error}");
    }
    let sent = export(&running, &["--endpoint", &endpoint]);
    assert_eq!(sent.stdout, "0 records were taken\n");
    sent.error();
    assert_eq!(receiver.requests().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_checkpoint_vouches_for_is_not_exported() {
    let running = Running::new().await;
    let folder = running.folder.path().join("checkpoints");
    let files = || -> BTreeSet<_> {
        let files = fs::read_dir(&folder).unwrap();
        files.map(|file| file.unwrap().path()).collect()
    };
    let count = |answer: Answer| -> usize {
        let said = answer.data();
        let requests = said.lines().map(|line| serde_json::from_str(line).unwrap());
        requests.map(|request| records(&request).len()).sum()
    };
    assert_eq!(count(export(&running, &[])), 3);
    let before = files();
    running.write().await;
    assert_eq!(count(export(&running, &[])), 6);
    // What vouches for the second half is not there yet.
    for file in files().difference(&before) {
        fs::remove_file(file).unwrap();
    }
    let answer = export(&running, &[]);
    assert!(answer.stderr.contains("not vouched for yet"), "{answer:?}");
    assert_eq!(count(answer), 3);
    // And now nothing vouches for any.
    fs::remove_dir_all(&folder).unwrap();
    let answer = export(&running, &[]);
    assert_eq!(answer.stdout, "");
    answer.error();
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_are_exported_by_their_checkpoints() {
    let running = Running::new().await;
    let at = |name: &str| running.folder.path().join(name).display().to_string();
    let (dir, checkpoints) = (at("audit"), at("checkpoints"));
    let material = running.material.display().to_string();
    let named = ["--dir", &dir, "--material", &material];
    let whole = [&named[..], &["--checkpoints", &checkpoints]].concat();
    assert_eq!(
        export(&running, &whole).data(),
        export(&running, &[]).data()
    );
    let error = export(&running, &named).error();
    assert!(error.contains("give --checkpoints with --dir"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_does_not_take_all_is_an_error() {
    let running = Running::new().await;
    let refused = async |status: u16, body: Vec<u8>| {
        let receiver = Receiver::answering(status, body).await;
        let error = export(&running, &["--endpoint", &receiver.url()]).error();
        assert_eq!(receiver.requests().len(), 1);
        error
    };
    let taking = Receiver::taking_all().await;
    export(&running, &["--endpoint", &taking.url()]).data();

    let status = Status {
        code: 3,
        message: "no such tenant".to_owned(),
        details: Vec::new(),
    };
    let error = refused(400, status.encode_to_vec()).await;
    assert!(
        error.contains("400 Bad Request and says 'no such tenant'"),
        "{error}"
    );
    let error = refused(503, Vec::new()).await;
    assert!(
        error.contains("503") && error.contains("export again later"),
        "{error}"
    );
    let error = refused(404, Vec::new()).await;
    assert!(error.contains("ends in /v1/logs"), "{error}");
    let error = refused(200, b"<html>".to_vec()).await;
    assert!(error.contains("none of OTLP"), "{error}");
    let partial = ExportLogsServiceResponse {
        partial_success: Some(ExportLogsPartialSuccess {
            rejected_log_records: 1,
            error_message: "too old".to_owned(),
        }),
    };
    let error = refused(200, partial.encode_to_vec()).await;
    assert!(
        error.contains("rejected 1 of 3 records, and says 'too old'"),
        "{error}"
    );
    assert!(error.contains("2 were taken in all"), "{error}");

    // Nobody there; nobody who may be asked without TLS; another schema.
    let gone = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let nobody = format!("http://{}/v1/logs", gone.local_addr().unwrap());
    drop(gone);
    let error = export(&running, &["--endpoint", &nobody]).error();
    assert!(error.contains("0 records were taken"), "{error}");
    let error = export(&running, &["--endpoint", "http://192.0.2.1/v1/logs"]).error();
    assert!(error.contains("use https"), "{error}");
    let arguments = ["audit", "export", "--endpoint", &taking.url()];
    let error = strata(running.sample.root(), &arguments).error();
    assert!(error.contains("say --format otlp"), "{error}");
}
