//! Who may do what, on which object, in which circumstances: the Cedar policies of a service
//! (<https://docs.cedarpolicy.com>), `policy/*.cedar`, owned by the callee.
//!
//! Default-deny: what no policy permits is refused, and so is whatever a policy fails to decide. A set
//! with any mistake in it is not used at all: a service does not start with one, and one that runs
//! keeps its last good set.
//!
//! The schema comes from the contract (`strata_core::Contract::POLICY_SCHEMA`):
//!
//! - `User` has `scopes`, where it is bound to one a `region` and a `tenant`, and is in a `Role` for each of
//!   its own;
//! - `Workload` is a service of the estate, `Workload::"process/customer-overview"`;
//! - each method is an action, `Action::"GetCustomer"`, whose principal is the user it acts for, or
//!   the calling workload where it acts for none;
//! - the resource is `Api::"<service>"` for the call as such; in a System API, for a method that is
//!   about an object (`resource` in its annotations), then each object it would reach. An object is of
//!   the type of the message that annotates its `owner`, and has that and, where annotated, `region`
//!   and `tenant`;
//! - `context` has `environment`, `time` (UTC), `network` (the address of the peer, or of the client that a
//!   trusted proxy speaks for) and, between services, `caller`; of a user's sign-in `authentication`
//!   (`level`, `methods`, `age` in seconds) and `risk` (0 to 100), as far as they are known: a policy that
//!   reads what is not known refuses.

mod check;
mod entities;
mod error;
mod guard;
mod load;
mod policies;
mod reads;
mod request;
mod slice;

pub use check::check;
pub use error::{Finding, GuardError};
pub use guard::{Guard, Reload};
pub use request::{Denied, Facts};
