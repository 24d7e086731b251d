//! What a scrape tells about a service's certificates.

use std::time::SystemTime;

use opentelemetry::{
    KeyValue,
    metrics::{Counter, Gauge, Meter},
};

/// Counts reloads and shows when the certificates end. Cheap to clone.
#[derive(Clone, Debug)]
pub struct MaterialMetrics {
    reloads: Counter<u64>,
    expiry: Gauge<u64>,
}

impl MaterialMetrics {
    /// Records on the given meter, as `strata_material_reload_total{outcome}` and
    /// `strata_material_expiry_timestamp_seconds`.
    #[must_use]
    pub fn new(meter: &Meter) -> Self {
        Self {
            reloads: meter
                .u64_counter("strata_material_reload")
                .with_description("Looks into the material folder that found a change, by outcome.")
                .build(),
            expiry: meter
                .u64_gauge("strata_material_expiry_timestamp")
                .with_description("When the first of the service's own certificates ends.")
                .with_unit("s")
                .build(),
        }
    }

    /// Counts one reload. `outcome` stands in the code.
    pub fn reloaded(&self, outcome: &'static str) {
        self.reloads.add(1, &[KeyValue::new("outcome", outcome)]);
    }

    /// Shows when the certificates in force end.
    pub fn expires(&self, at: SystemTime) {
        let since_epoch = at.duration_since(SystemTime::UNIX_EPOCH);
        self.expiry
            .record(since_epoch.unwrap_or_default().as_secs(), &[]);
    }
}
