//! The policies of a service as they are in force: loaded as a whole, asked without a lock.

use std::{collections::HashMap, path::Path};

use cedar_policy::{
    Authorizer, Context, Entities, Entity, EntityUid, Request, RestrictedExpression, Schema,
};
use quick_cache::sync::Cache;
use strata_core::{Authentication, Object};
use time::{OffsetDateTime, format_description::BorrowedFormatItem, macros::format_description};

use crate::{
    entities::{API, Types},
    error::Finding,
    load::{self, Placed, Source},
    reads::Reads,
    request::{Denied, Facts, Key, Question, Reach, Reached},
    slice::{self, Slice},
};

/// Decisions about calls that are remembered, and objects that were reached. Each is of one user, so this
/// bounds their memory.
const REMEMBERED: usize = 4_096;

/// What stands within `context.authentication`.
const SIGN_IN: Reads = Reads::LEVEL.and(Reads::METHODS).and(Reads::AGE);

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
    /// What decides about each kind of object a method is about, each with a number of its own.
    objects: HashMap<String, Vec<(usize, Slice)>>,
    /// Gone with the set, so that no decision outlives the policies it was made by.
    decided: Cache<Key, Result<(), Denied>>,
    /// An object that was refused is not among them: it is decided anew each time, as one that there is
    /// not, so that no time tells one from the other.
    reached: Cache<Reached, ()>,
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
        let (doors, objects) = sorted(schema, &placed, folder)?;
        let types = Types::new().ok_or_else(|| vec![defect(folder)])?;
        Ok(Self {
            sources,
            service: service.to_owned(),
            environment,
            types,
            authorizer: Authorizer::new(),
            doors,
            objects,
            decided: Cache::new(REMEMBERED),
            reached: Cache::new(REMEMBERED),
        })
    }

    /// Whether `method` may be called.
    pub(crate) fn decide(&self, method: &str, facts: &Facts<'_>) -> Result<(), Denied> {
        let (at, slice) = self.doors.get(method).ok_or(Denied::NOT_PERMITTED)?;
        let age = age(slice, facts);
        if !slice.reads.is_lasting() {
            return self.ask(slice, facts, age);
        }
        let question = Question::new(*at, facts, slice.reads, age);
        if let Some(decided) = self.decided.get(&question) {
            return decided;
        }
        let decided = self.ask(slice, facts, age);
        self.decided.insert(question.into(), decided.clone());
        decided
    }

    /// Whether `method` is about objects.
    pub(crate) fn decides_objects(&self, method: &str) -> bool {
        self.objects.contains_key(method)
    }

    /// Whether a call of `method` reaches the object.
    pub(crate) fn decide_object(
        &self,
        method: &str,
        facts: &Facts<'_>,
        object: &Object<'_>,
    ) -> Result<(), Denied> {
        let mut slices = self.objects.get(method).into_iter().flatten();
        let (at, slice) = slices
            .find(|(_, slice)| slice.resource.basename() == object.kind)
            .ok_or(Denied::NOT_PERMITTED)?;
        let age = age(slice, facts);
        let reach = Reach::new(Question::new(*at, facts, slice.reads, age), object);
        let lasts = slice.reads.is_lasting();
        if lasts && self.reached.get(&reach).is_some() {
            return Ok(());
        }
        let entity = self.types.object(&slice.resource, object);
        entity
            .and_then(|entity| self.put(slice, facts, age, entity.uid(), Some(entity)))
            .unwrap_or(Err(Denied::error(None)))?;
        if lasts {
            self.reached.insert(reach.into(), ());
        }
        Ok(())
    }

    fn ask(&self, slice: &Slice, facts: &Facts<'_>, age: Option<u64>) -> Result<(), Denied> {
        self.put(slice, facts, age, self.types.api(&self.service), None)
            .unwrap_or(Err(Denied::error(None)))
    }

    /// None where the question cannot be put.
    fn put(
        &self,
        slice: &Slice,
        facts: &Facts<'_>,
        age: Option<u64>,
        resource: EntityUid,
        object: Option<Entity>,
    ) -> Option<Result<(), Denied>> {
        let (principal, roles, user) = if slice.principal == self.types.user {
            let user = facts.user?;
            let roles = user.roles.iter().map(|role| self.types.role(role));
            let roles: Vec<_> = roles.collect();
            let entity = self.types.user_entity(user, &roles)?;
            (entity.uid(), roles, Some(entity))
        } else {
            (self.types.workload(facts.caller?), Vec::new(), None)
        };
        let entities = Entities::from_entities(user.into_iter().chain(object), None).ok()?;
        let (action, context) = (slice.action.clone(), self.context(slice, facts, age)?);
        // The schema was held against the policies; the types of a request stand in the code.
        let request = Request::new(principal.clone(), action, resource, context, None).ok()?;
        let roles = roles.iter();
        Some(slice.decide(&self.authorizer, &request, &principal, roles, &entities))
    }

    /// What the slice reads, and nothing else. What is not known of a sign-in is left out: a policy that
    /// reads it fails then, and so refuses.
    fn context(&self, slice: &Slice, facts: &Facts<'_>, age: Option<u64>) -> Option<Context> {
        let text = RestrictedExpression::new_string(self.environment.to_owned());
        let mut pairs = vec![("environment".to_owned(), text)];
        if slice.reads.any(Reads::TIME) {
            let now = OffsetDateTime::now_utc().format(TIME).ok()?;
            pairs.push(("time".to_owned(), RestrictedExpression::new_datetime(now)));
        }
        if slice.reads.any(Reads::NETWORK) {
            let address = facts.network?.to_canonical().to_string();
            pairs.push(("network".to_owned(), RestrictedExpression::new_ip(address)));
        }
        if slice.reads.any(Reads::CALLER) {
            let caller = self.types.workload(facts.caller?);
            pairs.push((
                "caller".to_owned(),
                RestrictedExpression::new_entity_uid(caller),
            ));
        }
        if let Some(user) = facts.user {
            let sign_in = &user.authentication;
            if slice.reads.any(SIGN_IN) {
                pairs.push(("authentication".to_owned(), record(sign_in, age)?));
            }
            if slice.reads.any(Reads::RISK)
                && let Some(risk) = sign_in.risk
            {
                let risk = RestrictedExpression::new_long(risk.into());
                pairs.push(("risk".to_owned(), risk));
            }
        }
        Context::from_pairs(pairs).ok()
    }
}

/// For how long the user has been signed in, where it is read: looked up once for a decision, so that it
/// is remembered under the age by which it was made.
fn age(slice: &Slice, facts: &Facts<'_>) -> Option<u64> {
    let user = facts.user.filter(|_| slice.reads.any(Reads::AGE))?;
    let now = OffsetDateTime::now_utc().unix_timestamp();
    user.authentication.age(now.try_into().ok()?)
}

/// What is known of a sign-in.
fn record(sign_in: &Authentication, age: Option<u64>) -> Option<RestrictedExpression> {
    let text = |text: &String| RestrictedExpression::new_string(text.clone());
    let methods = (!sign_in.methods.is_empty())
        .then(|| RestrictedExpression::new_set(sign_in.methods.iter().map(text)));
    let age = age.and_then(|age| i64::try_from(age).ok());
    let known = [
        ("level", sign_in.level.as_ref().map(text)),
        ("methods", methods),
        ("age", age.map(RestrictedExpression::new_long)),
    ];
    let known = known.into_iter();
    let known = known.filter_map(|(name, value)| Some((name.to_owned(), value?)));
    RestrictedExpression::new_record(known).ok()
}

type Doors = HashMap<String, (usize, Slice)>;
type Objects = HashMap<String, Vec<(usize, Slice)>>;

/// What decides about each method and its objects. A method that nobody could ever call, or only to
/// reach nothing, is a mistake.
fn sorted(
    schema: &Schema,
    placed: &[Placed],
    folder: &Path,
) -> Result<(Doors, Objects), Vec<Finding>> {
    let slices = slice::slices(schema, placed).ok_or_else(|| vec![defect(folder)])?;
    let (mut doors, mut objects) = (Doors::new(), Objects::new());
    for (at, slice) in slices.into_iter().enumerate() {
        let method = slice.action.id().unescaped().to_owned();
        if slice.resource.basename() == API {
            doors.insert(method, (at, slice));
        } else {
            objects.entry(method).or_default().push((at, slice));
        }
    }
    let closed = doors.iter().filter(|(_, (_, door))| !door.can_permit());
    let closed = closed.map(|(method, _)| (method, String::new()));
    let sealed = objects
        .iter()
        .filter(|(_, kinds)| !kinds.iter().any(|(_, slice)| slice.can_permit()));
    let sealed = sealed.map(|(method, kinds)| {
        let kinds: Vec<_> = kinds
            .iter()
            .map(|(_, slice)| slice.resource.basename())
            .collect();
        (method, format!(" any {}", kinds.join(" or ")))
    });
    let mut findings: Vec<_> = closed
        .chain(sealed)
        .map(|(method, objects)| {
            let problem = format!("no policy could permit {method}{objects}");
            let remedy = "write a permit for it in policy/*.cedar, or take it out of the contract";
            Finding::new(folder, None, problem, remedy)
        })
        .collect();
    if findings.is_empty() {
        return Ok((doors, objects));
    }
    findings.sort_by(|a, b| a.problem.cmp(&b.problem));
    Err(findings)
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
