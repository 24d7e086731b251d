//! The policies that can decide about one action on one kind of resource, found without looking at
//! those of any other principal.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use cedar_policy::{
    ActionConstraint, AuthorizationError, Authorizer, Decision, Effect, Entities, EntityTypeName,
    EntityUid, Policy, PolicyId, PolicySet, PrincipalConstraint, Request, ResourceConstraint,
    Schema,
};

use crate::{load::Placed, reads::Reads, request::Denied};

/// See the module.
pub(crate) struct Slice {
    pub(crate) action: EntityUid,
    pub(crate) resource: EntityTypeName,
    /// What any of its policies reads of the context.
    pub(crate) reads: Reads,
    /// The type of principal the action has.
    pub(crate) principal: EntityTypeName,
    /// Of whose principal only the type is said.
    anybody: PolicySet,
    /// Of one user or workload, or of those in one role.
    named: HashMap<EntityUid, PolicySet>,
    permits: bool,
    closed: bool,
}

/// A slice for each action and kind of resource that the schema has. None when two policies have one
/// id, which loading has refused.
pub(crate) fn slices(schema: &Schema, placed: &[Placed]) -> Option<Vec<Slice>> {
    let mut slices: HashMap<EntityUid, Vec<Slice>> = HashMap::new();
    for action in schema.actions() {
        slices.insert(action.clone(), of_action(schema, action));
    }
    for Placed { policy, reads, .. } in placed {
        // Each once, also where a policy names one twice.
        let actions: HashSet<_> = match policy.action_constraint() {
            ActionConstraint::Any => slices.keys().cloned().collect(),
            ActionConstraint::Eq(action) => HashSet::from([action]),
            ActionConstraint::In(actions) => actions.into_iter().collect(),
        };
        for action in actions {
            for slice in slices.entry(action).or_default() {
                slice.add(policy, *reads)?;
            }
        }
    }
    Some(slices.into_values().flatten().collect())
}

fn of_action(schema: &Schema, action: &EntityUid) -> Vec<Slice> {
    let mut principals = schema.principals_for_action(action).into_iter().flatten();
    let Some(principal) = principals.next() else {
        return Vec::new();
    };
    let resources = schema.resources_for_action(action).into_iter().flatten();
    let slices = resources.map(|resource| Slice {
        action: action.clone(),
        resource: resource.clone(),
        reads: Reads::default(),
        principal: principal.clone(),
        anybody: PolicySet::new(),
        named: HashMap::new(),
        permits: false,
        closed: false,
    });
    slices.collect()
}

impl Slice {
    fn add(&mut self, policy: &Policy, reads: Reads) -> Option<()> {
        let resource_fits = match policy.resource_constraint() {
            ResourceConstraint::Any => true,
            ResourceConstraint::Eq(uid) | ResourceConstraint::In(uid) => {
                *uid.type_name() == self.resource
            }
            ResourceConstraint::Is(kind) | ResourceConstraint::IsIn(kind, _) => {
                kind == self.resource
            }
        };
        let (principal_fits, named) = match policy.principal_constraint() {
            PrincipalConstraint::Any => (true, None),
            PrincipalConstraint::Is(kind) => (kind == self.principal, None),
            PrincipalConstraint::Eq(uid) | PrincipalConstraint::In(uid) => (true, Some(uid)),
            PrincipalConstraint::IsIn(kind, uid) => (kind == self.principal, Some(uid)),
        };
        if !resource_fits || !principal_fits {
            return Some(());
        }
        self.reads = self.reads.and(reads);
        match policy.effect() {
            Effect::Permit => self.permits = true,
            Effect::Forbid => {
                self.closed |= named.is_none() && !policy.has_non_scope_constraint();
            }
        }
        let set = match named {
            Some(uid) => self.named.entry(uid).or_default(),
            None => &mut self.anybody,
        };
        set.add(policy.clone()).ok()
    }

    /// Whether somebody can be permitted at all.
    pub(crate) const fn can_permit(&self) -> bool {
        self.permits && !self.closed
    }

    /// Decides as one set of all the policies would: they are asked by who they are about, and a
    /// `forbid` of any of them wins. `parents` are what the principal is in.
    pub(crate) fn decide<'a>(
        &self,
        authorizer: &Authorizer,
        request: &Request,
        principal: &'a EntityUid,
        parents: impl Iterator<Item = &'a EntityUid>,
        entities: &Entities,
    ) -> Result<(), Denied> {
        let named = std::iter::once(principal).chain(parents);
        let named = named.filter_map(|uid| self.named.get(uid));
        let mut permitted = false;
        for set in std::iter::once(&self.anybody).chain(named) {
            if set.is_empty() {
                continue;
            }
            let answer = authorizer.is_authorized(request, set, entities);
            let diagnostics = answer.diagnostics();
            if let Some(AuthorizationError::PolicyEvaluationError(error)) =
                diagnostics.errors().next()
            {
                return Err(Denied::error(Some(name(error.policy_id()))));
            }
            match answer.decision() {
                Decision::Allow => permitted = true,
                // Without a reason it is no `forbid`: nothing in this set permits.
                Decision::Deny => {
                    if let Some(policy) = diagnostics.reason().min() {
                        return Err(Denied::forbidden(Some(name(policy))));
                    }
                }
            }
        }
        if permitted {
            Ok(())
        } else {
            Err(Denied::NOT_PERMITTED)
        }
    }
}

fn name(policy: &PolicyId) -> Arc<str> {
    let name: &str = policy.as_ref();
    name.into()
}

#[cfg(test)]
mod tests;
