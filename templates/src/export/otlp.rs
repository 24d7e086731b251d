//! Audit records as log records of OpenTelemetry (OTLP 1.x), by the types of its own crate. The body is the
//! event of OCSF that the other export prints: what a record says is said in one place.

use opentelemetry_proto::tonic::{
    collector::logs::v1::ExportLogsServiceRequest,
    common::v1::{AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList, any_value},
    logs::v1::{LogRecord, ResourceLogs, ScopeLogs, SeverityNumber},
    resource::v1::Resource,
};
use serde_json::Value;
use strata_audit::{Found, Verdict, event};
use strata_config::{ESTATE, Environment};

/// So many at once: a request stays well below what receivers take, 4 MiB or more.
const BATCH: usize = 500;
/// What the records are, for who looks for them.
const NAME: &str = "strata.audit";

/// Log records of one service that wait to be given on.
pub(super) struct Logs {
    environment: Environment,
    service: String,
    records: Vec<LogRecord>,
}

impl Logs {
    /// Of the service with this SPIFFE ID.
    pub(super) fn of(environment: Environment, service: &str) -> Self {
        Self {
            environment,
            service: service.to_owned(),
            records: Vec::new(),
        }
    }

    /// Takes one more, and gives a request when there are enough for one.
    pub(super) fn push(&mut self, found: &Found) -> Option<ExportLogsServiceRequest> {
        self.records.push(record(found));
        (self.records.len() == BATCH).then(|| self.request())
    }

    /// What is left.
    pub(super) fn rest(mut self) -> Option<ExportLogsServiceRequest> {
        (!self.records.is_empty()).then(|| self.request())
    }

    fn request(&mut self) -> ExportLogsServiceRequest {
        // The names of OpenTelemetry's semantic conventions for resources. It has none for a SPIFFE ID.
        let (_, name) = self.service.rsplit_once('/').unwrap_or_default();
        let attributes = [
            ("service.namespace", ESTATE),
            ("service.name", name),
            ("deployment.environment.name", self.environment.as_str()),
            ("strata.spiffe_id", self.service.as_str()),
        ];
        let attributes = attributes.map(|(key, value)| pair(key, text(value)));
        ExportLogsServiceRequest {
            resource_logs: vec![ResourceLogs {
                resource: Some(Resource {
                    attributes: attributes.into(),
                    ..Resource::default()
                }),
                scope_logs: vec![ScopeLogs {
                    scope: Some(InstrumentationScope {
                        name: NAME.to_owned(),
                        version: env!("CARGO_PKG_VERSION").to_owned(),
                        ..InstrumentationScope::default()
                    }),
                    log_records: std::mem::take(&mut self.records),
                    schema_url: String::new(),
                }],
                schema_url: String::new(),
            }],
        }
    }
}

/// How many records a request holds.
pub(super) fn count(request: &ExportLogsServiceRequest) -> usize {
    let scopes = request.resource_logs.iter().flat_map(|it| &it.scope_logs);
    scopes.map(|scope| scope.log_records.len()).sum()
}

fn record(found: &Found) -> LogRecord {
    // A refusal weighs more than a failure, as in the event, and is no error of the service.
    let severity = match found.verdict() {
        Verdict::Allowed => SeverityNumber::Info,
        Verdict::Failed | Verdict::Unspecified => SeverityNumber::Warn,
        Verdict::Refused => SeverityNumber::Warn2,
    };
    let event = event(found);
    let caption = event.get("severity").and_then(Value::as_str);
    let trace = match found.record.trace.as_slice() {
        trace if trace.len() == 16 => trace.to_vec(),
        // What came before there was a trace.
        _ => Vec::new(),
    };
    LogRecord {
        time_unix_nano: found.time,
        observed_time_unix_nano: found.time,
        severity_number: severity.into(),
        severity_text: caption.unwrap_or_default().to_owned(),
        event_name: NAME.to_owned(),
        // With service and time it tells a record from every other: a receiver can leave out what it has.
        attributes: vec![pair(
            "strata.audit.sequence",
            any_value::Value::IntValue(found.sequence.try_into().unwrap_or(i64::MAX)),
        )],
        trace_id: trace,
        body: value(event),
        ..LogRecord::default()
    }
}

fn pair(key: &str, value: any_value::Value) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

fn text(value: &str) -> any_value::Value {
    any_value::Value::StringValue(value.to_owned())
}

/// JSON as OTLP has structured values; none for `null`.
fn value(json: Value) -> Option<AnyValue> {
    use any_value::Value as Any;
    let value = match json {
        Value::Null => return None,
        Value::Bool(value) => Any::BoolValue(value),
        Value::Number(number) => match number.as_i64() {
            Some(value) => Any::IntValue(value),
            None => Any::DoubleValue(number.as_f64().unwrap_or(f64::NAN)),
        },
        Value::String(value) => Any::StringValue(value),
        Value::Array(values) => Any::ArrayValue(ArrayValue {
            values: values.into_iter().filter_map(self::value).collect(),
        }),
        Value::Object(members) => Any::KvlistValue(KeyValueList {
            values: (members.into_iter())
                .map(|(key, member)| KeyValue {
                    key,
                    value: self::value(member),
                    ..KeyValue::default()
                })
                .collect(),
        }),
    };
    Some(AnyValue { value: Some(value) })
}
