//! The trace a request belongs to, as it arrives, as its span, and as it goes on. The header is
//! W3C Trace Context's `traceparent`, read and written by OpenTelemetry's propagator.

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::{
    Context, SpanId, TraceFlags, TraceId,
    propagation::{Extractor, Injector, TextMapPropagator},
    trace::{SpanContext, TraceContextExt, TraceState},
};
use opentelemetry_sdk::{
    propagation::TraceContextPropagator,
    trace::{IdGenerator, RandomIdGenerator},
};
use strata_core::TraceContext;
use tracing::{Span, field};
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// The target of request spans. No log filter hides it, so that every line within a request
/// carries its trace id.
pub(crate) const TARGET: &str = "strata::request";

/// The span of one request at this hop.
#[derive(Debug)]
pub struct RequestSpan {
    /// Instrument the handling of the request with it.
    pub span: Span,
    /// What this hop hands on.
    pub trace: TraceContext,
}

/// Opens the span of a request. Without a valid `traceparent` a new trace starts here.
/// `method` stands in the code; it is the span's name.
#[must_use]
pub fn request_span(headers: &HeaderMap, method: &'static str) -> RequestSpan {
    let span = tracing::error_span!(
        target: TARGET,
        "request",
        method,
        otel.name = method,
        otel.kind = "server",
        trace_id = field::Empty,
    );
    let parent = extract(headers);
    if let Some(parent) = &parent {
        // Refused only where nothing records spans.
        let _ = span.set_parent(Context::new().with_remote_span_context(parent.clone()));
    }
    let recorded = span.context().span().span_context().clone();
    let trace = if recorded.is_valid() {
        context(&recorded)
    } else {
        next_hop(parent.as_ref())
    };
    span.record("trace_id", field::display(TraceId::from(trace.trace_id)));
    RequestSpan { span, trace }
}

/// Writes the trace into the headers of an outbound request, in place of what is there.
pub fn inject(trace: &TraceContext, headers: &mut HeaderMap) {
    let flags = if trace.sampled {
        TraceFlags::SAMPLED
    } else {
        TraceFlags::NOT_SAMPLED
    };
    let span = SpanContext::new(
        TraceId::from(trace.trace_id),
        SpanId::from(trace.span_id),
        flags,
        true,
        TraceState::NONE,
    );
    TraceContextPropagator::new().inject_context(
        &Context::new().with_remote_span_context(span),
        &mut Headers(headers),
    );
}

fn extract(headers: &HeaderMap) -> Option<SpanContext> {
    let context =
        TraceContextPropagator::new().extract_with_context(&Context::new(), &Received(headers));
    Some(context.span().span_context().clone()).filter(SpanContext::is_valid)
}

/// This hop's context where nothing records spans: the caller's trace, or a new one.
fn next_hop(parent: Option<&SpanContext>) -> TraceContext {
    let ids = RandomIdGenerator::default();
    TraceContext {
        trace_id: id(parent.map_or_else(|| ids.new_trace_id(), SpanContext::trace_id)),
        span_id: u64::from_be_bytes(ids.new_span_id().to_bytes()),
        sampled: parent.is_some_and(SpanContext::is_sampled),
    }
}

fn context(span: &SpanContext) -> TraceContext {
    TraceContext {
        trace_id: id(span.trace_id()),
        span_id: u64::from_be_bytes(span.span_id().to_bytes()),
        sampled: span.is_sampled(),
    }
}

fn id(trace: TraceId) -> u128 {
    u128::from_be_bytes(trace.to_bytes())
}

struct Received<'a>(&'a HeaderMap);

impl Extractor for Received<'_> {
    /// A header given twice is no header (W3C Trace Context, section 4.2): which one holds would
    /// be the sender's choice.
    fn get(&self, key: &str) -> Option<&str> {
        let mut values = self.0.get_all(key).iter();
        values
            .next()
            .filter(|_| values.next().is_none())?
            .to_str()
            .ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}

struct Headers<'a>(&'a mut HeaderMap);

impl Injector for Headers<'_> {
    fn set(&mut self, key: &str, value: String) {
        let Ok(name) = HeaderName::from_bytes(key.as_bytes()) else {
            return;
        };
        match HeaderValue::try_from(value) {
            Ok(value) if !value.is_empty() => drop(self.0.insert(name, value)),
            _ => drop(self.0.remove(name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLED: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn headers(values: &[&str]) -> HeaderMap {
        values
            .iter()
            .map(|value| {
                (
                    HeaderName::from_static("traceparent"),
                    value.parse().unwrap(),
                )
            })
            .collect()
    }

    #[test]
    fn a_valid_parent_is_continued_with_a_span_of_our_own() {
        let trace = request_span(&headers(&[SAMPLED]), "/a/b").trace;
        assert_eq!(trace.trace_id, 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736);
        assert!(trace.sampled);
        assert_ne!(trace.span_id, 0x00f0_67aa_0ba9_02b7);
        assert_ne!(trace.span_id, 0);
        let unsampled = SAMPLED.replace("-01", "-00");
        assert!(!request_span(&headers(&[&unsampled]), "/a/b").trace.sampled);
    }

    #[test]
    fn an_invalid_or_absent_parent_starts_a_new_trace() {
        let known = 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736;
        let mut seen = vec![known];
        for values in [
            &[][..],
            &["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7"],
            &["00-00000000000000000000000000000000-00f067aa0ba902b7-01"],
            &["00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01"],
            &["ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"],
            &["00-4BF92F3577B34DA6A3CE929D0E0E4736-00F067AA0BA902B7-01"],
            &[SAMPLED, SAMPLED],
            &["nonsense"],
            &[""],
        ] {
            let trace = request_span(&headers(values), "/a/b").trace;
            assert!(
                trace.trace_id != 0 && !seen.contains(&trace.trace_id),
                "{values:?}"
            );
            assert!(!trace.sampled, "{values:?}");
            seen.push(trace.trace_id);
        }
    }

    #[test]
    fn what_is_injected_is_what_the_next_hop_reads() {
        let ours = request_span(&headers(&[SAMPLED]), "/a/b").trace;
        let mut outbound = headers(&["stale"]);
        outbound.insert("tracestate", "stale=1".parse().unwrap());
        inject(&ours, &mut outbound);
        assert_eq!(outbound.len(), 1, "no stale or empty header: {outbound:?}");
        assert_eq!(context(&extract(&outbound).unwrap()), ours);
    }
}
