//! Who may call which method, and up to which clearance (callers.toml, owned by the callee); what each
//! role of a user may see (roles.toml), who may use an Experience API (consumers.toml) and what they
//! may take (plans.toml), owned by the Experience API; and from where (networks.toml).
//!
//! Default-deny: what the document does not grant is refused, and a document with any mistake in
//! it is not used at all.

mod callers;
mod consumers;
mod document;
mod file;
mod networks;
mod plans;
mod roles;

pub use callers::{Callers, Denied, Grant};
pub use consumers::{Consumer, ConsumerEntry, Consumers, ConsumersFile};
pub use file::{CallerEntry, CallersFile, PolicyError};
pub use networks::{ListenerNetworks, NetworkLists};
pub use plans::{Plan, PlanEntry, PlansFile};
pub use roles::Roles;
