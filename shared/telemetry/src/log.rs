//! Log lines: one JSON object each, or text for a person at a terminal. One that tells of a security event is
//! an event of OCSF.

use std::{
    fmt,
    io::{self, IsTerminal},
    panic::PanicHookInfo,
};

use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{Map, Value};
use strata_config::LogFormat;
use tracing::{Event, Subscriber};
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::ParseError,
    fmt::{
        FmtContext, FormatEvent, FormatFields, FormattedFields, MakeWriter,
        format::{JsonFields, Writer},
        time::{FormatTime, SystemTime},
    },
    registry::LookupSpan,
};

use crate::{
    events,
    request::{self, current},
    start::Identity,
};

/// The layer that writes log lines.
pub(crate) fn layer<S, W>(
    format: LogFormat,
    filter: EnvFilter,
    identity: &Identity,
    writer: W,
) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    // A log that cannot be written must not stop the service, so errors of the writer are dropped.
    let lines = tracing_subscriber::fmt::layer()
        .log_internal_errors(false)
        .with_writer(writer);
    match format {
        LogFormat::Json => lines
            .fmt_fields(JsonFields::new())
            .event_format(JsonLines {
                id: identity.id(),
                identity: identity.clone(),
            })
            .with_filter(filter)
            .boxed(),
        LogFormat::Pretty => lines
            .with_ansi(io::stderr().is_terminal())
            .with_timer(TimeAndTrace)
            .with_filter(filter)
            .boxed(),
    }
}

/// The target of panics.
const PANIC: &str = "strata::panic";

/// Logs a panic's place. Its message may hold a labelled value, so it is left out.
pub(crate) fn panicked(panic: &PanicHookInfo<'_>) {
    let location = panic
        .location()
        .map(ToString::to_string)
        .unwrap_or_default();
    tracing::error!(target: PANIC, location, "panicked");
}

/// What is logged. Security events and panics always are; request spans are the tracer's alone.
pub(crate) fn filter(directives: &str) -> Result<EnvFilter, ParseError> {
    let always = format!(
        "{}=info,{}=off,{PANIC}=error",
        events::TARGET,
        request::TARGET
    );
    EnvFilter::builder().parse(format!("{directives},{always}"))
}

/// When, and within which request.
struct TimeAndTrace;

impl FormatTime for TimeAndTrace {
    fn format_time(&self, writer: &mut Writer<'_>) -> fmt::Result {
        SystemTime.format_time(writer)?;
        match current() {
            Some(current) => write!(writer, " trace_id={:032x}", current.trace_id),
            None => Ok(()),
        }
    }
}

/// Writes one JSON object per event.
struct JsonLines {
    /// The process, by its SPIFFE ID.
    id: String,
    identity: Identity,
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> FormatEvent<S, JsonFields> for JsonLines {
    fn format_event(
        &self,
        context: &FmtContext<'_, S, JsonFields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = Map::new();
        for span in context
            .event_scope()
            .into_iter()
            .flat_map(|scope| scope.from_root())
        {
            if let Some(text) = span.extensions().get::<FormattedFields<JsonFields>>() {
                fields.extend(object(text)?);
            }
        }
        let mut text = String::new();
        context.format_fields(Writer::new(&mut text), event)?;
        fields.extend(object(&text)?);
        let current = current();
        if let Some(current) = current {
            let method = fields.entry("method");
            method.or_insert_with(|| current.method.into());
        }
        let trace_id = current.map(|current| format!("{:032x}", current.trace_id));
        let is_event = event.metadata().target() == events::TARGET;
        if is_event && let Some(line) = events::line(&fields, &self.id, trace_id.as_deref()) {
            return writeln!(writer, "{line}");
        }
        let mut timestamp = String::new();
        SystemTime.format_time(&mut Writer::new(&mut timestamp))?;
        let line = Line {
            timestamp,
            event,
            message: fields.remove("message"),
            trace_id,
            identity: &self.identity,
            fields,
        };
        let line = serde_json::to_string(&line).map_err(|_| fmt::Error)?;
        writeln!(writer, "{line}")
    }
}

fn object(text: &str) -> Result<Map<String, Value>, fmt::Error> {
    if text.is_empty() {
        Ok(Map::new())
    } else {
        serde_json::from_str(text).map_err(|_| fmt::Error)
    }
}

struct Line<'a> {
    timestamp: String,
    event: &'a Event<'a>,
    message: Option<Value>,
    trace_id: Option<String>,
    identity: &'a Identity,
    fields: Map<String, Value>,
}

impl Serialize for Line<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let metadata = self.event.metadata();
        let mut line = serializer.serialize_map(None)?;
        line.serialize_entry("timestamp", &self.timestamp)?;
        line.serialize_entry("level", metadata.level().as_str())?;
        line.serialize_entry("target", metadata.target())?;
        line.serialize_entry("message", &self.message)?;
        line.serialize_entry("service", &self.identity.service)?;
        line.serialize_entry("layer", &self.identity.layer)?;
        line.serialize_entry("environment", &self.identity.environment)?;
        if let Some(trace_id) = &self.trace_id {
            line.serialize_entry("trace_id", trace_id)?;
        }
        for (name, value) in &self.fields {
            if !NAMES.contains(&name.as_str()) {
                line.serialize_entry(name, value)?;
            }
        }
        line.end()
    }
}

/// Names of our own, which a field cannot take over.
const NAMES: [&str; 7] = [
    "timestamp",
    "level",
    "target",
    "service",
    "layer",
    "environment",
    "trace_id",
];

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::{Arc, Mutex};

    use http::HeaderMap;
    use strata_config::Environment;
    use strata_core::Layer as ApiLayer;
    use tracing_subscriber::prelude::*;

    use super::*;
    use crate::{Events, RequestTrace, SecurityEvent, Who, request::Sampling};

    fn request() -> RequestTrace {
        RequestTrace::of(&HeaderMap::new(), "/a.A/Get", Sampling::new(0.0))
    }

    #[derive(Clone, Default)]
    struct Buffer(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: LogFormat, directives: &str, work: impl FnOnce()) -> String {
        let buffer = Buffer::default();
        let writer = buffer.clone();
        let identity = Identity {
            service: "orders".to_owned(),
            layer: ApiLayer::System,
            environment: Environment::Dev,
        };
        let layer = layer(format, filter(directives).unwrap(), &identity, move || {
            writer.clone()
        });
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), work);
        let bytes = buffer.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    pub(crate) fn json(directives: &str, work: impl FnOnce()) -> Vec<Map<String, Value>> {
        let text = logged(LogFormat::Json, directives, work);
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    #[test]
    fn a_line_is_one_object_that_says_where_it_comes_from() {
        let lines = json("info", || {
            tracing::info!(target: "orders", rows = 3, text = "a\"b\nc", service = "forged", "read");
            tracing::debug!(target: "orders", "hidden");
        });
        assert_eq!(lines.len(), 1);
        let line = &lines[0];
        for (name, value) in [
            ("level", "INFO"),
            ("target", "orders"),
            ("message", "read"),
            ("service", "orders"),
            ("layer", "system"),
            ("environment", "dev"),
            ("text", "a\"b\nc"),
        ] {
            assert_eq!(line[name], value, "{name}");
        }
        assert_eq!(line["rows"], 3);
        assert!(line["timestamp"].as_str().unwrap().ends_with('Z'));
        assert!(!line.contains_key("trace_id"));
    }

    #[test]
    fn lines_within_a_request_carry_its_trace_whatever_the_filter() {
        for directives in ["info", "error", "off,orders=error"] {
            let mut expected = 0;
            let lines = json(directives, || {
                let request = request();
                expected = request.trace.trace_id;
                request.run(|| tracing::error!(target: "orders", trace_id = "forged", "failed"));
            });
            assert_eq!(
                lines[0]["trace_id"],
                format!("{expected:032x}"),
                "{directives}"
            );
            assert_eq!(lines[0]["method"], "/a.A/Get");
        }
    }

    #[test]
    fn no_filter_hides_a_security_event() {
        for directives in ["info", "off", "strata::security=off"] {
            let lines = json(directives, || {
                let events = Events::new(&opentelemetry::global::meter("none"));
                events.emit(&SecurityEvent::TokenRefused {
                    address: None,
                    reason: "expired",
                });
                let address = Some("127.0.0.1:9".parse().unwrap());
                events.emit(&SecurityEvent::TokenRefused {
                    address,
                    reason: "expired",
                });
            });
            assert_eq!(lines.len(), 2, "{directives}");
            assert_eq!(lines[0]["metadata"]["log_name"], "strata::security");
            assert_eq!(lines[0]["status_code"], "token_refused");
            assert_eq!(lines[0]["status_detail"], "expired");
            assert_eq!(lines[0]["src_endpoint"]["ip"], Value::Null);
            assert_eq!(lines[1]["src_endpoint"]["ip"], "127.0.0.1");
        }
    }

    #[test]
    fn a_name_from_outside_does_not_fill_the_log() {
        let lines = json("info", || {
            let events = Events::new(&opentelemetry::global::meter("none"));
            let reason = "unknown_method";
            for method in ["/a.A/Get", &"é".repeat(5_000)] {
                events.emit(&SecurityEvent::CallRefused {
                    who: Who::default(),
                    method,
                    resource: None,
                    reason,
                });
            }
        });
        assert_eq!(lines[0]["api"]["operation"], "/a.A/Get");
        assert_eq!(lines[1]["api"]["operation"], "é".repeat(128));
    }

    #[test]
    fn what_is_refused_over_and_over_does_not_fill_the_log_nor_hide_what_else_is() {
        let lines = json("info", || {
            let events = Events::new(&opentelemetry::global::meter("none"));
            let refused = |reason| SecurityEvent::TokenRefused {
                address: None,
                reason,
            };
            for _ in 0..10_000 {
                events.emit(&refused("expired"));
            }
            events.emit(&refused("malformed"));
        });
        assert!((50..1_000).contains(&lines.len()), "{}", lines.len());
        assert_eq!(lines.last().unwrap()["status_detail"], "malformed");
    }

    #[test]
    fn pretty_lines_are_text_with_the_trace() {
        let text = logged(LogFormat::Pretty, "info", || {
            request().run(|| tracing::info!(target: "orders", "read"));
        });
        assert!(
            text.contains("read") && text.contains("trace_id="),
            "{text}"
        );
    }

    #[test]
    fn a_panic_is_logged_by_its_place_alone() {
        let lines = json("off", || {
            std::panic::set_hook(Box::new(panicked));
            let result = std::panic::catch_unwind(|| panic!("hunter2"));
            drop(std::panic::take_hook());
            assert!(result.is_err());
        });
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0]["message"], "panicked");
        assert!(lines[0]["location"].as_str().unwrap().contains("log.rs:"));
        assert!(!format!("{lines:?}").contains("hunter2"));
    }

    #[test]
    fn a_malformed_filter_is_refused() {
        assert!(filter("info,orders=debug").is_ok());
        assert!(filter("orders=loud").is_err());
    }
}
