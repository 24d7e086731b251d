//! The trace of a request as it arrives and as it goes on. The header is W3C Trace Context's
//! `traceparent`, read and written by OpenTelemetry's propagator.

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::{
    Context, SpanId, TraceFlags, TraceId,
    propagation::{Extractor, Injector, TextMapPropagator},
    trace::{SpanContext, TraceContextExt, TraceState},
};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use strata_core::TraceContext;

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

pub(crate) fn extract(headers: &HeaderMap) -> Option<SpanContext> {
    let context =
        TraceContextPropagator::new().extract_with_context(&Context::new(), &Received(headers));
    Some(context.span().span_context().clone()).filter(SpanContext::is_valid)
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
