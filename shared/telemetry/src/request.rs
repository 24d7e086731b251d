//! The request a task is handling: its trace, the span that records it where the trace is sampled,
//! and what every log line written meanwhile names.

use http::HeaderMap;
use opentelemetry::{
    Context, TraceFlags, TraceId,
    trace::{SpanContext, TraceContextExt},
};
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator};
use strata_core::TraceContext;
use tokio::task::futures::TaskLocalFuture;
use tracing::{Instrument, Span, instrument::Instrumented};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::propagation::extract;

/// The target of request spans: they are for the tracer, never for the log.
pub(crate) const TARGET: &str = "strata::request";

tokio::task_local! {
    static CURRENT: Current;
}

/// What a log line says of the request it was written in.
#[derive(Clone, Copy, Debug)]
pub struct Current {
    pub(crate) trace_id: u128,
    pub(crate) method: &'static str,
}

/// The request of the running task, if it handles one.
pub(crate) fn current() -> Option<Current> {
    CURRENT.try_with(|current| *current).ok()
}

/// Which traces are recorded. An unsampled request costs no span.
#[derive(Clone, Copy, Debug)]
pub struct Sampling {
    /// Share of the traces that start here; none where nothing is exported.
    ratio: f64,
    /// Whether a caller decides for the traces it started.
    trusts_callers: bool,
}

impl Sampling {
    pub(crate) const fn new(ratio: f64) -> Self {
        Self {
            ratio,
            trusts_callers: true,
        }
    }

    /// For the edge: nobody outside has their requests recorded by asking for it.
    #[must_use]
    pub const fn of_strangers(self) -> Self {
        Self {
            trusts_callers: false,
            ..self
        }
    }

    fn chooses(self, parent: Option<&SpanContext>) -> bool {
        match parent {
            Some(parent) if self.trusts_callers => parent.is_sampled(),
            _ => self.ratio > 0.0 && rand::random::<f64>() < self.ratio,
        }
    }
}

/// One request at this hop.
#[derive(Debug)]
pub struct RequestTrace {
    /// What this hop hands on.
    pub trace: TraceContext,
    span: Span,
    method: &'static str,
}

/// The handling of a request.
pub type Traced<F> = TaskLocalFuture<Current, Instrumented<F>>;

impl RequestTrace {
    /// Continues the trace in `headers`, or starts one where there is no valid `traceparent`.
    /// `method` stands in the code; it is the span's name.
    #[must_use]
    pub fn of(headers: &HeaderMap, method: &'static str, sampling: Sampling) -> Self {
        let parent = extract(headers);
        if sampling.chooses(parent.as_ref())
            && let Some((span, trace)) = recorded(parent.clone(), method)
        {
            return Self {
                trace,
                span,
                method,
            };
        }
        let ids = RandomIdGenerator::default();
        let continued = parent.as_ref().map(SpanContext::trace_id);
        let trace = TraceContext {
            trace_id: id(continued.unwrap_or_else(|| ids.new_trace_id())),
            span_id: u64::from_be_bytes(ids.new_span_id().to_bytes()),
            sampled: sampling.trusts_callers
                && parent.as_ref().is_some_and(SpanContext::is_sampled),
        };
        Self {
            trace,
            span: Span::none(),
            method,
        }
    }

    /// Runs what belongs to the request and does not wait.
    pub fn run<T>(&self, work: impl FnOnce() -> T) -> T {
        CURRENT.sync_scope(self.current(), || self.span.in_scope(work))
    }

    /// The rest of the request.
    pub fn around<F: Future>(self, handling: F) -> Traced<F> {
        CURRENT.scope(self.current(), handling.instrument(self.span))
    }

    const fn current(&self) -> Current {
        Current {
            trace_id: self.trace.trace_id,
            method: self.method,
        }
    }
}

/// Runs what tells of a request before that has a trace here: within the one that its headers name, if any.
pub fn within_trace_of<T>(
    headers: &HeaderMap,
    method: &'static str,
    work: impl FnOnce() -> T,
) -> T {
    let Some(parent) = extract(headers) else {
        return work();
    };
    let trace_id = id(parent.trace_id());
    CURRENT.sync_scope(Current { trace_id, method }, work)
}

/// The span of a sampled request and its context; none where nothing records spans.
fn recorded(parent: Option<SpanContext>, method: &'static str) -> Option<(Span, TraceContext)> {
    let span = tracing::error_span!(
        target: TARGET,
        "request",
        method,
        otel.name = method,
        otel.kind = "server",
    );
    if let Some(parent) = parent {
        let sampled = SpanContext::new(
            parent.trace_id(),
            parent.span_id(),
            parent.trace_flags() | TraceFlags::SAMPLED,
            true,
            parent.trace_state().clone(),
        );
        // Refused only where nothing records spans.
        let _ = span.set_parent(Context::new().with_remote_span_context(sampled));
    }
    let context = span.context().span().span_context().clone();
    let trace = TraceContext {
        trace_id: id(context.trace_id()),
        span_id: u64::from_be_bytes(context.span_id().to_bytes()),
        sampled: context.is_sampled(),
    };
    context.is_valid().then_some((span, trace))
}

fn id(trace: TraceId) -> u128 {
    u128::from_be_bytes(trace.to_bytes())
}

#[cfg(test)]
mod tests {
    use http::HeaderName;

    use super::*;
    use crate::inject;

    const SAMPLED: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    const NONE: Sampling = Sampling::new(0.0);

    fn headers(values: &[&str]) -> HeaderMap {
        let named = |value: &&str| {
            (
                HeaderName::from_static("traceparent"),
                value.parse().unwrap(),
            )
        };
        values.iter().map(named).collect()
    }

    fn trace(values: &[&str], sampling: Sampling) -> TraceContext {
        RequestTrace::of(&headers(values), "/a/b", sampling).trace
    }

    #[test]
    fn a_valid_parent_is_continued_with_a_span_of_our_own() {
        let ours = trace(&[SAMPLED], NONE);
        assert_eq!(ours.trace_id, 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736);
        assert!(ours.sampled);
        assert_ne!(ours.span_id, 0x00f0_67aa_0ba9_02b7);
        assert_ne!(ours.span_id, 0);
        assert!(!trace(&[&SAMPLED.replace("-01", "-00")], NONE).sampled);
    }

    #[test]
    fn a_stranger_is_continued_and_does_not_decide() {
        let ours = trace(&[SAMPLED], NONE.of_strangers());
        assert_eq!(ours.trace_id, 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736);
        assert!(!ours.sampled);
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
            let ours = trace(values, NONE);
            assert!(
                ours.trace_id != 0 && !seen.contains(&ours.trace_id),
                "{values:?}"
            );
            assert!(!ours.sampled, "{values:?}");
            seen.push(ours.trace_id);
        }
    }

    #[test]
    fn what_is_injected_is_what_the_next_hop_reads() {
        let ours = trace(&[SAMPLED], NONE);
        let mut outbound = headers(&["stale"]);
        outbound.insert("tracestate", "stale=1".parse().unwrap());
        inject(&ours, &mut outbound);
        assert_eq!(outbound.len(), 1, "no stale or empty header: {outbound:?}");
        let read = extract(&outbound).unwrap();
        assert_eq!(id(read.trace_id()), ours.trace_id);
        assert_eq!(read.span_id().to_bytes(), ours.span_id.to_be_bytes());
        assert!(read.is_sampled());
    }

    #[test]
    fn what_is_told_before_there_is_a_trace_is_told_within_that_of_the_caller() {
        let told = |values: &[&str]| {
            let told = || current().map(|current| current.trace_id);
            within_trace_of(&headers(values), "/a/b", told)
        };
        assert_eq!(
            told(&[SAMPLED]),
            Some(0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736)
        );
        assert_eq!(told(&["nonsense"]), None);
        assert_eq!(told(&[]), None);
    }

    #[tokio::test]
    async fn a_task_knows_its_request_and_no_other() {
        let request = RequestTrace::of(&headers(&[SAMPLED]), "/a/b", NONE);
        let trace = request.trace.trace_id;
        assert_eq!(
            request.run(|| current().map(|current| current.trace_id)),
            Some(trace)
        );
        let seen = request.around(async { current().map(|current| current.method) });
        assert_eq!(seen.await, Some("/a/b"));
        assert!(current().is_none());
    }
}
