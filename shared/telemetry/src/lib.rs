//! What a process says about itself: logs, traces, metrics and security events.
//!
//! None of them ever carries a labelled value, a token or a key: only names that stand in the code
//! or in a document of the estate, identities and network addresses.

mod events;
mod log;
mod material;
mod metrics;
mod propagation;
mod request;
mod start;
mod traces;
mod upstream;

pub use events::{Events, Kind, Mapping, Named, Part, SAYS, SecurityEvent, Who};
pub use material::MaterialMetrics;
pub use metrics::RequestMetrics;
pub use propagation::inject;
pub use request::{RequestTrace, Sampling, Traced, within_trace_of};
pub use start::{Identity, Telemetry, TelemetryError};
pub use upstream::UpstreamMetrics;
