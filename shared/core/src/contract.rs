//! What generated contracts tell the rest of the estate, and the rule as a trait bound.

use crate::{
    label::Label,
    layer::{Layer, Tier},
};

/// One method of a contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Method {
    /// Method name, `GetCustomer`.
    pub name: &'static str,
    /// Path on the wire: `/system.customers.v1.CustomersService/GetCustomer`.
    pub path: &'static str,
    /// OAuth scopes a user's token needs, all of them, separated by a space (RFC 6749, section
    /// 3.3); empty when the method acts for no user.
    pub scope: &'static str,
    /// Why the data is processed (GDPR Art. 5(1)(b)); may be empty.
    pub purpose: &'static str,
    /// May be repeated without a second effect.
    pub idempotent: bool,
    /// Most sensitive label it may return.
    pub ceiling: Label,
    /// Its answer waits until the record of it in the audit trail is on disk.
    pub durable: bool,
}

/// A generated service contract. Implemented on its generated client and server types, and, for
/// Experience contracts, on its router.
pub trait Contract {
    /// The layer it belongs to.
    const LAYER: Layer;
    /// The service's folder name, `customer-overview`: also the path of its SPIFFE ID.
    const SERVICE: &'static str;
    /// Fully qualified protobuf service, `system.customers.v1.CustomersService`.
    const NAME: &'static str;
    /// Its methods, in the order of the contract.
    const METHODS: &'static [Method];
    /// What its service's policies may speak of: a Cedar schema of its methods, users and workloads.
    const POLICY_SCHEMA: &'static str;
}

/// A contract that code in layer `L` may call. Generated beside each client for exactly the layers
/// [`Layer::may_call`] allows; a service cannot add to it, because neither the trait nor the client
/// is its own.
#[diagnostic::on_unimplemented(
    message = "the {L} layer may not call `{Self}`",
    label = "this contract is not callable from here",
    note = "calls go Experience -> Process -> System, one step down, nothing else",
    note = "an Experience API asks a Process API for what it needs: add a method there, or `cargo strata new process <name>`",
    note = "a System API calls no API at all: it owns one system of record"
)]
pub trait CallableFrom<L: Tier>: Contract {}

/// Builds a generated client over a transport. Only the service's context calls it.
pub trait ClientOver<T>: Contract {
    /// The client.
    fn over(transport: T) -> Self;
}
