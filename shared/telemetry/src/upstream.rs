//! What a scrape tells about the services this one calls.

use std::{
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use opentelemetry::{
    KeyValue,
    metrics::{AsyncInstrument, Meter},
};
use strata_core::ErrorCode;

/// Counts of one upstream. Calls add to plain counters; a scrape reads them. Cheap to clone.
#[derive(Clone, Debug)]
pub struct UpstreamMetrics(Arc<Upstream>);

#[derive(Debug)]
struct Upstream {
    name: &'static str,
    counts: Counts,
    complaints: DefaultDirectRateLimiter,
}

#[derive(Debug, Default)]
struct Counts {
    answered: AtomicU64,
    abandoned: AtomicU64,
    failed: [AtomicU64; ErrorCode::ALL.len()],
    under_way: AtomicU64,
    retries: AtomicU64,
    refused_by_queue: AtomicU64,
    refused_by_breaker: AtomicU64,
    is_open: AtomicU64,
    serving: AtomicU64,
    ejected: AtomicU64,
    unreachable: AtomicU64,
}

fn add(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

fn set(counter: &AtomicU64, count: usize) {
    counter.store(count as u64, Ordering::Relaxed);
}

type Read = fn(&Counts, &mut dyn FnMut(&'static str, &AtomicU64));

impl UpstreamMetrics {
    /// Counts of `upstream` on the given meter: `strata_upstream_calls_total{upstream,outcome}`,
    /// `strata_upstream_calls_under_way{upstream}`, `strata_upstream_retries_total{upstream}`,
    /// `strata_upstream_refused_total{upstream,reason}`, `strata_upstream_breaker_open{upstream}`
    /// and `strata_upstream_endpoints{upstream,state}`.
    #[must_use]
    pub fn new(meter: &Meter, upstream: &'static str) -> Self {
        let this = Arc::new(Upstream {
            name: upstream,
            counts: Counts::default(),
            complaints: RateLimiter::direct(Quota::per_second(NonZeroU32::MIN)),
        });
        let read = |label: &'static str, read: Read| {
            let this = Arc::clone(&this);
            move |observer: &dyn AsyncInstrument<u64>| {
                read(&this.counts, &mut |value, count| {
                    let count = count.load(Ordering::Relaxed);
                    let upstream = KeyValue::new("upstream", upstream);
                    if label.is_empty() {
                        observer.observe(count, &[upstream]);
                    } else {
                        observer.observe(count, &[upstream, KeyValue::new(label, value)]);
                    }
                });
            }
        };
        meter
            .u64_observable_counter("strata_upstream_calls")
            .with_description("Calls to other services that ended, by outcome.")
            .with_callback(read("outcome", |counts, each| {
                each("OK", &counts.answered);
                each("ABANDONED", &counts.abandoned);
                for (code, count) in ErrorCode::ALL.into_iter().zip(&counts.failed) {
                    each(code.as_str(), count);
                }
            }))
            .build();
        meter
            .u64_observable_gauge("strata_upstream_calls_under_way")
            .with_description("Calls to other services that are sent or wait to be.")
            .with_callback(read("", |counts, each| each("", &counts.under_way)))
            .build();
        meter
            .u64_observable_counter("strata_upstream_retries")
            .with_description("Calls to other services that were sent again.")
            .with_callback(read("", |counts, each| each("", &counts.retries)))
            .build();
        meter
            .u64_observable_counter("strata_upstream_refused")
            .with_description("Calls to other services that were not even tried, by reason.")
            .with_callback(read("reason", |counts, each| {
                each("queue", &counts.refused_by_queue);
                each("breaker", &counts.refused_by_breaker);
            }))
            .build();
        meter
            .u64_observable_gauge("strata_upstream_breaker_open")
            .with_description("1 while calls to the service are refused because they fail.")
            .with_callback(read("", |counts, each| each("", &counts.is_open)))
            .build();
        meter
            .u64_observable_gauge("strata_upstream_endpoints")
            .with_description("Addresses of the service, by state.")
            .with_callback(read("state", |counts, each| {
                each("serving", &counts.serving);
                each("ejected", &counts.ejected);
                each("unreachable", &counts.unreachable);
            }))
            .build();
        Self(this)
    }

    /// Logs that the upstream answers as no service of the estate does: at most once a second,
    /// because every call may be answered so.
    pub fn complain(&self, what: &'static str) {
        let Upstream {
            name, complaints, ..
        } = &*self.0;
        if complaints.check().is_ok() {
            tracing::warn!(upstream = name, what, "an upstream answers wrongly");
        }
    }

    /// Counts a call that was answered well.
    pub fn answered(&self) {
        add(&self.0.counts.answered);
    }

    /// Counts a call that was not answered, or not well.
    pub fn failed(&self, code: ErrorCode) {
        let codes = ErrorCode::ALL.into_iter().zip(&self.0.counts.failed);
        for (_, count) in codes.filter(|(this, _)| *this == code) {
            add(count);
        }
    }

    /// Counts a call that nobody waits for any more.
    pub fn abandoned(&self) {
        add(&self.0.counts.abandoned);
    }

    /// One call more is under way.
    pub fn entered(&self) {
        add(&self.0.counts.under_way);
    }

    /// One call less is.
    pub fn left(&self) {
        self.0.counts.under_way.fetch_sub(1, Ordering::Relaxed);
    }

    /// Counts a call that is sent again.
    pub fn retried(&self) {
        add(&self.0.counts.retries);
    }

    /// Counts a call refused because there are too many.
    pub fn refused_by_queue(&self) {
        add(&self.0.counts.refused_by_queue);
    }

    /// Counts a call refused because others failed.
    pub fn refused_by_breaker(&self) {
        add(&self.0.counts.refused_by_breaker);
    }

    /// Whether calls are refused because others failed.
    pub fn breaker(&self, is_open: bool) {
        set(&self.0.counts.is_open, usize::from(is_open));
    }

    /// How many addresses take calls, are left out although they are connected, and are not.
    pub fn endpoints(&self, serving: usize, ejected: usize, unreachable: usize) {
        set(&self.0.counts.serving, serving);
        set(&self.0.counts.ejected, ejected);
        set(&self.0.counts.unreachable, unreachable);
    }
}
