//! Who takes log records over OTLP/HTTP: a POST of protobuf, and an answer that says what was taken
//! (<https://opentelemetry.io/docs/specs/otlp/#otlphttp>).

use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use http::{Request, Response, StatusCode, Uri, header::CONTENT_TYPE};
use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsServiceRequest, ExportLogsServiceResponse,
};
use prost::Message as _;
use strata_estate::client;
use tonic_types::pb::Status;

use super::otlp::count;

const PROTOBUF: &str = "application/x-protobuf";

/// A receiver, and what it has taken.
pub(crate) struct Receiver {
    endpoint: Uri,
    roots: Option<PathBuf>,
    taken: usize,
}

impl Receiver {
    /// At `endpoint`, verified by the CA in the PEM file `roots` or by those of the operating system.
    pub(crate) const fn at(endpoint: Uri, roots: Option<PathBuf>) -> Self {
        Self {
            endpoint,
            roots,
            taken: 0,
        }
    }

    /// How many records it has taken.
    pub(crate) const fn taken(&self) -> usize {
        self.taken
    }

    /// Sends records; all of them are taken, or that is an error.
    pub(crate) async fn send(&mut self, records: &ExportLogsServiceRequest) -> Result<()> {
        let (endpoint, taken, sent) = (&self.endpoint, self.taken, count(records));
        let request = Request::post(endpoint)
            .header(CONTENT_TYPE, PROTOBUF)
            .body(Bytes::from(records.encode_to_vec()))
            .context("the endpoint is no URL: give one such as http://127.0.0.1:4318/v1/logs")?;
        let so_far = || format!("{taken} records were taken by {endpoint} before");
        let answer = client::send(request, self.roots.as_deref()).await;
        let answer = answer.with_context(so_far)?;
        if answer.status() != StatusCode::OK {
            return Err(refusal(&answer)).with_context(so_far);
        }
        let said = ExportLogsServiceResponse::decode(answer.into_body());
        let said = said.context("the answer is none of OTLP: give the URL of a receiver, /v1/logs");
        let partial = said.with_context(so_far)?.partial_success;
        let partial = partial.unwrap_or_default();
        let rejected = usize::try_from(partial.rejected_log_records).unwrap_or(sent);
        self.taken += sent.saturating_sub(rejected);
        ensure!(
            rejected == 0,
            "the receiver rejected {rejected} of {sent} records, and says '{}': {} were taken in all",
            partial.error_message,
            self.taken
        );
        Ok(())
    }
}

/// What an answer says that is no success.
fn refusal(answer: &Response<Bytes>) -> anyhow::Error {
    let status = answer.status();
    let is_protobuf = answer.headers().get(CONTENT_TYPE);
    let is_protobuf = is_protobuf.is_some_and(|kind| kind == PROTOBUF);
    let said = Status::decode(answer.body().clone()).ok();
    let said = said.filter(|it| is_protobuf && !it.message.is_empty());
    let said = said.map_or_else(String::new, |it| format!(" and says '{}'", it.message));
    let remedy = match status {
        StatusCode::TOO_MANY_REQUESTS
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => "it is busy or being started: export again later",
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => {
            "give the URL of its logs, which ends in /v1/logs by default"
        }
        _ => "see its log for the reason",
    };
    anyhow::anyhow!("the receiver answered {status}{said}: {remedy}")
}
