//! The policies of a service as they are in force: loaded as a whole, asked without a lock.

use std::{collections::HashMap, path::Path};

use cedar_policy::{Authorizer, Context, Entities, Request, RestrictedExpression, Schema};
use moka::sync::Cache;
use time::{OffsetDateTime, format_description::BorrowedFormatItem, macros::format_description};

use crate::{
    entities::{API, Types},
    error::Finding,
    load::{self, Placed, Source},
    request::{Denied, Facts, Key},
    slice::{self, Slice},
};

/// Decisions that are remembered. Each is for one user, so this bounds their memory.
const REMEMBERED: u64 = 4_096;

/// Cedar's `datetime`, in UTC.
const TIME: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");

/// See the module.
pub(crate) struct Policies {
    pub(crate) sources: Vec<Source>,
    service: String,
    environment: &'static str,
    types: Types,
    authorizer: Authorizer,
    /// By method name: its position, and what decides about it.
    doors: HashMap<String, (usize, Slice)>,
    /// Gone with the set, so that no decision outlives the policies it was made by.
    decided: Cache<Key, Result<(), Denied>>,
}

impl Policies {
    /// Checks and sorts the policies.
    ///
    /// # Errors
    /// Everything that is wrong with them; then none is used.
    pub(crate) fn new(
        sources: Vec<Source>,
        folder: &Path,
        schema: &Schema,
        service: &str,
        environment: &'static str,
    ) -> Result<Self, Vec<Finding>> {
        let (placed, findings) = load::policies(&sources, schema, service);
        if !findings.is_empty() {
            return Err(findings);
        }
        let doors = doors(schema, &placed, folder)?;
        let types = Types::new().map_err(|_| vec![defect(folder)])?;
        Ok(Self {
            sources,
            service: service.to_owned(),
            environment,
            types,
            authorizer: Authorizer::new(),
            doors,
            decided: Cache::new(REMEMBERED),
        })
    }

    /// Whether `method` may be called.
    pub(crate) fn decide(&self, method: &str, facts: &Facts<'_>) -> Result<(), Denied> {
        let (at, slice) = self.doors.get(method).ok_or(Denied::NOT_PERMITTED)?;
        if !slice.reads.is_lasting() {
            return self.ask(slice, facts);
        }
        self.decided
            .get_with(Key::new(*at, facts), || self.ask(slice, facts))
    }

    fn ask(&self, slice: &Slice, facts: &Facts<'_>) -> Result<(), Denied> {
        self.put(slice, facts).unwrap_or(Err(Denied::error(None)))
    }

    /// None where the question cannot be put.
    fn put(&self, slice: &Slice, facts: &Facts<'_>) -> Option<Result<(), Denied>> {
        let (principal, parents, entities) = if slice.principal == self.types.user {
            let user = facts.user?;
            let roles: Vec<_> = user
                .roles
                .iter()
                .map(|role| self.types.role(role))
                .collect();
            (
                self.types.user(&user.subject),
                roles,
                self.types.user_entities(user)?,
            )
        } else {
            (
                self.types.workload(facts.caller?),
                Vec::new(),
                Entities::empty(),
            )
        };
        let request = Request::new(
            principal.clone(),
            slice.action.clone(),
            self.types.api(&self.service),
            self.context(slice, facts)?,
            // The schema was held against the policies; the types of a request stand in the code.
            None,
        );
        let request = request.ok()?;
        Some(slice.decide(
            &self.authorizer,
            &request,
            &principal,
            parents.iter(),
            &entities,
        ))
    }

    /// What the slice reads, and nothing else.
    fn context(&self, slice: &Slice, facts: &Facts<'_>) -> Option<Context> {
        let text = RestrictedExpression::new_string(self.environment.to_owned());
        let mut pairs = vec![("environment".to_owned(), text)];
        if slice.reads.time {
            let now = OffsetDateTime::now_utc().format(TIME).ok()?;
            pairs.push(("time".to_owned(), RestrictedExpression::new_datetime(now)));
        }
        if slice.reads.network {
            let address = facts.network?.to_canonical().to_string();
            pairs.push(("network".to_owned(), RestrictedExpression::new_ip(address)));
        }
        if slice.reads.caller {
            let caller = self.types.workload(facts.caller?);
            pairs.push((
                "caller".to_owned(),
                RestrictedExpression::new_entity_uid(caller),
            ));
        }
        Context::from_pairs(pairs).ok()
    }
}

/// What decides about each method. One that nobody could ever call is a mistake.
fn doors(
    schema: &Schema,
    placed: &[Placed],
    folder: &Path,
) -> Result<HashMap<String, (usize, Slice)>, Vec<Finding>> {
    let mut slices = slice::slices(schema, placed).map_err(|_| vec![defect(folder)])?;
    slices.retain(|slice| slice.resource.basename() == API);
    let closed = slices.iter().filter(|slice| !slice.can_permit());
    let mut closed: Vec<_> = closed
        .map(|slice| {
            Finding::new(
                folder,
                None,
                format!("no policy could permit {}", slice.action.id().unescaped()),
                "write a permit for it in policy/*.cedar, or take it out of the contract",
            )
        })
        .collect();
    if !closed.is_empty() {
        closed.sort_by(|a, b| a.problem.cmp(&b.problem));
        return Err(closed);
    }
    let named = slices.into_iter().enumerate().map(|(at, slice)| {
        let method = slice.action.id().unescaped().to_owned();
        (method, (at, slice))
    });
    Ok(named.collect())
}

fn defect(folder: &Path) -> Finding {
    let problem = "the policies cannot be sorted";
    Finding::new(
        folder,
        None,
        problem,
        "report it with them: it is a defect here",
    )
}
