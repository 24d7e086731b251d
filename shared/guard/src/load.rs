//! From files to policies that parse, validate against the schema, and have a name each.

use std::{
    collections::HashSet,
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
    sync::Arc,
};

use cedar_policy::{Policy, PolicyId, PolicySet, Schema, ValidationMode, Validator};
use miette::Diagnostic;
use serde_json::json;
use strata_core::Layer;

use crate::{
    entities::{ACTION, API, ROLE, USER, WORKLOAD},
    error::Finding,
    reads::Reads,
};

/// A file of policies, as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) file: Arc<Path>,
    pub(crate) text: String,
}

/// A policy and where it stands. Its id is its `@id`.
pub(crate) struct Placed {
    pub(crate) policy: Policy,
    pub(crate) reads: Reads,
    pub(crate) file: Arc<Path>,
    pub(crate) line: usize,
}

impl Placed {
    pub(crate) fn finding(&self, problem: &str, remedy: &'static str) -> Finding {
        let problem = format!("policy `{}` {problem}", self.policy.id());
        Finding::new(&self.file, self.line, problem, remedy)
    }
}

/// The schema of a contract.
///
/// # Errors
/// A [`Finding`] when it is none, which is a defect of codegen.
pub(crate) fn schema(text: &str, folder: &Path) -> Result<Schema, Finding> {
    text.parse::<Schema>().map_err(|error| {
        let remedy = "report it with the contract: its schema is generated";
        Finding::new(folder, None, error.to_string(), remedy)
    })
}

/// Every `*.cedar` of the folder, by name. A folder that is not there holds none.
///
/// # Errors
/// A [`Finding`] naming what cannot be read.
pub(crate) fn sources(folder: &Path) -> Result<Vec<Source>, Finding> {
    let unreadable = |path: &Path, error: &std::io::Error| {
        let problem = format!("cannot be read: {}", error.kind());
        Finding::new(path, None, problem, "let the service's user read it")
    };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(folder, &error)),
    };
    let paths: Result<Vec<PathBuf>, _> = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect();
    let mut paths = paths.map_err(|error| unreadable(folder, &error))?;
    paths.retain(|path| path.extension().is_some_and(|ext| ext == "cedar"));
    paths.sort();
    let read = |path: PathBuf| match fs::read_to_string(&path) {
        Ok(text) => Ok(Source {
            file: path.into(),
            text,
        }),
        Err(error) => Err(unreadable(&path, &error)),
    };
    paths.into_iter().map(read).collect()
}

/// The policies of all files, and everything that is wrong with them.
pub(crate) fn policies(
    sources: &[Source],
    schema: &Schema,
    service: &str,
) -> (Vec<Placed>, Vec<Finding>) {
    let validator = Validator::new(schema.clone());
    let (mut placed, mut findings) = (Vec::new(), Vec::new());
    for source in sources {
        let set = match source.text.parse::<PolicySet>() {
            Ok(set) => set,
            Err(errors) => {
                let each = errors.iter().map(|error| {
                    source.finding(
                        error,
                        &error.to_string(),
                        "write it as the Cedar grammar asks",
                    )
                });
                findings.extend(each);
                continue;
            }
        };
        if set.num_of_templates() > 0 {
            findings.push(Finding::new(
                &source.file,
                None,
                "holds a template",
                "write a policy without ?principal and ?resource: nothing links it",
            ));
        }
        findings.extend(source.validated(&set, &validator));
        placed.extend(set.policies().filter_map(|policy| {
            let named = source.named(policy, &mut findings)?;
            findings.extend(strangers(&named, service));
            Some(named)
        }));
    }
    placed.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
    let mut seen = HashSet::new();
    for each in &placed {
        if !seen.insert(each.policy.id()) {
            findings.push(each.finding("is there twice", "give each policy an @id of its own"));
        }
    }
    (placed, findings)
}

impl Source {
    fn finding(&self, diagnostic: &dyn Diagnostic, problem: &str, remedy: &'static str) -> Finding {
        let label = diagnostic.labels().and_then(|mut labels| labels.next());
        let line = label.map(|label| self.line(label.offset()));
        // Cedar counts the policies; here each has a line.
        let counted = problem.strip_prefix("for policy `");
        let (_, problem) = counted
            .and_then(|rest| rest.split_once("`, "))
            .unwrap_or(("", problem));
        Finding::new(&self.file, line, problem.replace('\n', " "), remedy)
    }

    /// What the schema does not bear out.
    fn validated(&self, set: &PolicySet, validator: &Validator) -> Vec<Finding> {
        let result = validator.validate(set, ValidationMode::Strict);
        let errors = result.validation_errors().map(|error| {
            let remedy = "name only what the contract's schema has";
            self.finding(error, &error.to_string(), remedy)
        });
        let errors: Vec<_> = errors.collect();
        if !errors.is_empty() {
            return errors;
        }
        // A policy that can never apply is a mistake, and text that looks like other text may be one.
        let warnings = result.validation_warnings().map(|warning| {
            let remedy = "write one that can apply, in plain characters, or remove it";
            self.finding(warning, &warning.to_string(), remedy)
        });
        warnings.collect()
    }

    fn line(&self, offset: usize) -> usize {
        let before = self.text.get(..offset).unwrap_or_default();
        before.matches('\n').count() + 1
    }

    /// The policy under its own name: what an event says must not change with the order of the text.
    fn named(&self, policy: &Policy, findings: &mut Vec<Finding>) -> Option<Placed> {
        // Displayed as it was written.
        let line = self.line(self.text.find(&policy.to_string()).unwrap_or_default());
        let named = policy.annotation("id").filter(|id| is_name(id));
        let Some(id) = named else {
            findings.push(Finding::new(
                &self.file,
                line,
                "a policy without a name",
                "write @id(\"<lower-case words, joined by dashes>\") before it",
            ));
            return None;
        };
        // What has no JSON form is not looked into.
        let json = policy
            .to_json()
            .unwrap_or_else(|_| json!({"Var": "context"}));
        Some(Placed {
            policy: policy.new_id(PolicyId::new(id)),
            reads: Reads::of(&json),
            file: Arc::clone(&self.file),
            line,
        })
    }
}

/// The name stands in logs.
fn is_name(id: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !id.is_empty() && id.len() <= 64 && id.bytes().all(fits)
}

/// Names that the schema cannot know, and that would make a policy never apply.
fn strangers(placed: &Placed, service: &str) -> Vec<Finding> {
    let literals = placed.policy.entity_literals();
    let wrong = literals.iter().filter_map(|literal| {
        let (kind, id) = (literal.type_name().to_string(), literal.id().unescaped());
        let remedy = match kind.as_str() {
            API if id != service => "a service decides about itself: name its own Api",
            WORKLOAD if !is_workload(id) => "write Workload::\"<layer>/<service>\"",
            API | WORKLOAD | USER | ROLE | ACTION => return None,
            _ => "an object is known by its owner, region and tenant, not by an id: write `resource is`",
        };
        Some(placed.finding(&format!("names {literal}"), remedy))
    });
    wrong.collect()
}

fn is_workload(id: &str) -> bool {
    id.split_once('/').is_some_and(|(layer, service)| {
        Layer::ALL.iter().any(|known| known.as_str() == layer)
            && !service.is_empty()
            && !service.contains('/')
    })
}
