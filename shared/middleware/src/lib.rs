//! One tower layer per file. The stacks in shared/service put them in order.

pub mod access_token;
pub mod breaker;
pub mod call;
pub mod callers;
pub mod deadline;
pub mod documents;
mod ending;
pub mod metrics;
pub mod outbound;
pub mod outcome;
pub mod panic;
pub mod principal;
pub mod refuse;
pub mod retry;
pub mod scope;
pub mod shed;
pub mod status;
pub mod strip;
pub mod trace;

pub use access_token::AccessTokenLayer;
pub use breaker::BreakerLayer;
pub use call::CallLayer;
pub use callers::CallersLayer;
pub use deadline::{BodyDeadlineLayer, DeadlineLayer};
pub use documents::DocumentsLayer;
pub use metrics::MetricsLayer;
pub use outbound::OutboundLayer;
pub use outcome::OutcomeLayer;
pub use panic::PanicLayer;
pub use principal::PrincipalLayer;
pub use refuse::{RefusalBody, Refuse};
pub use retry::RetryLayer;
pub use scope::ScopeLayer;
pub use shed::ShedLayer;
pub use strip::StripLayer;
pub use trace::TraceLayer;
