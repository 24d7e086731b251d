//! When the audit record of a call is on disk.

use prost_reflect::MethodDescriptor;

use crate::{
    compile::Contract,
    options::{Audit, Pattern},
};

/// Whether every answer waits for it: where the method says so, and where it says nothing of a write. What
/// a read gives is masked, so that only its answer tells whether it holds what is RESTRICTED: that one
/// waits too, whatever its method says.
pub(crate) fn is_durable(contract: &Contract, method: &MethodDescriptor) -> bool {
    match contract.options.method(method).audit() {
        Audit::Durable => true,
        Audit::Buffered => false,
        Audit::Unspecified => is_write(contract, method),
    }
}

/// Whether a call changes something, as far as the contract tells: it may not be repeated, or its route
/// is of no safe method (RFC 9110, section 9.2.1).
pub(crate) fn is_write(contract: &Contract, method: &MethodDescriptor) -> bool {
    let rule = contract.options.http(method);
    let route = rule.and_then(|rule| rule.pattern);
    let is_safe = route.is_none_or(|pattern| matches!(pattern, Pattern::Get(_)));
    !contract.options.method(method).idempotent || !is_safe
}
