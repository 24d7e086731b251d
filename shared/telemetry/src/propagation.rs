//! The trace of a request as it arrives and as it goes on: W3C Trace Context's `traceparent`, read
//! by OpenTelemetry's propagator.

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::{
    Context,
    propagation::{Extractor, TextMapPropagator},
    trace::{SpanContext, TraceContextExt},
};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use strata_core::TraceContext;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// Writes the trace into the headers of an outbound request, in place of what is there (W3C Trace
/// Context, section 3.2).
pub fn inject(trace: &TraceContext, headers: &mut HeaderMap) {
    let TraceContext {
        trace_id, span_id, ..
    } = trace;
    let flags = u8::from(trace.sampled);
    headers.remove(TRACESTATE);
    // Digits and dashes are always a header's value.
    if let Ok(mut value) =
        HeaderValue::try_from(format!("00-{trace_id:032x}-{span_id:016x}-{flags:02x}"))
    {
        // Never the same again: in HPACK's table it would push out what is (RFC 7541, section 6.2.3).
        value.set_sensitive(true);
        headers.insert(TRACEPARENT, value);
    }
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
