//! The estate's words as Cedar's.

use std::collections::{HashMap, HashSet};

use cedar_policy::{Entity, EntityId, EntityTypeName, EntityUid, RestrictedExpression};
use strata_core::{Object, Principal, SpiffeId};

/// The entity types of every schema.
pub(crate) const USER: &str = "User";
pub(crate) const ROLE: &str = "Role";
pub(crate) const WORKLOAD: &str = "Workload";
pub(crate) const API: &str = "Api";
pub(crate) const ACTION: &str = "Action";

/// The entity types, parsed once.
pub(crate) struct Types {
    pub(crate) user: EntityTypeName,
    pub(crate) role: EntityTypeName,
    pub(crate) workload: EntityTypeName,
    pub(crate) api: EntityTypeName,
}

impl Types {
    pub(crate) fn new() -> Option<Self> {
        Some(Self {
            user: USER.parse().ok()?,
            role: ROLE.parse().ok()?,
            workload: WORKLOAD.parse().ok()?,
            api: API.parse().ok()?,
        })
    }

    pub(crate) fn user(&self, subject: &str) -> EntityUid {
        uid(&self.user, subject)
    }

    pub(crate) fn role(&self, role: &str) -> EntityUid {
        uid(&self.role, role)
    }

    /// The same in every environment, as policies are: that its trust domain is of this one, the
    /// handshake has proven.
    pub(crate) fn workload(&self, id: &SpiffeId) -> EntityUid {
        uid(&self.workload, &format!("{}/{}", id.layer(), id.service()))
    }

    pub(crate) fn api(&self, service: &str) -> EntityUid {
        uid(&self.api, service)
    }

    /// The user, in its roles.
    pub(crate) fn user_entity(&self, principal: &Principal, roles: &[EntityUid]) -> Option<Entity> {
        let text = |text: &String| RestrictedExpression::new_string(text.clone());
        let scopes = RestrictedExpression::new_set(principal.scopes.iter().map(text));
        let mut attributes = HashMap::from([("scopes".to_owned(), scopes)]);
        if let Some(region) = &principal.region {
            attributes.insert("region".to_owned(), text(region));
        }
        if let Some(tenant) = &principal.tenant {
            attributes.insert("tenant".to_owned(), text(tenant));
        }
        let roles = roles.iter().cloned().collect();
        Entity::new(self.user(&principal.subject), attributes, roles).ok()
    }

    /// The object. It has no id of its own: policies know it by what it is, and loading refuses one
    /// that names an object.
    pub(crate) fn object(&self, kind: &EntityTypeName, object: &Object<'_>) -> Option<Entity> {
        let owner = RestrictedExpression::new_entity_uid(self.user(object.owner));
        let text = |text: &str| RestrictedExpression::new_string(text.to_owned());
        let attributes = HashMap::from([
            ("owner".to_owned(), owner),
            ("region".to_owned(), text(object.region)),
            ("tenant".to_owned(), text(object.tenant)),
        ]);
        Entity::new(uid(kind, ""), attributes, HashSet::new()).ok()
    }
}

pub(crate) fn uid(kind: &EntityTypeName, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(id))
}
