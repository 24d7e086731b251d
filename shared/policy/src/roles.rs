//! What each role of a user may see: policy/roles.toml of an Experience API.
//!
//! ```toml
//! [roles.customer]
//! clearance = { sensitivity = "confidential", categories = ["personal"] }
//! ```

use std::{collections::BTreeMap, fs, path::Path};

use serde::Deserialize;
use strata_config::{ConfigError, Document, Problem};
use strata_core::{Clearance, Label};

use crate::PolicyError;

/// The clearance of every role. A role that is not listed adds nothing: its holder sees public data
/// only.
#[derive(Clone, Debug, Default)]
pub struct Roles {
    roles: BTreeMap<String, Clearance>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Paper {
    #[serde(default)]
    roles: BTreeMap<String, Role>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Role {
    clearance: Clearance,
}

impl Roles {
    /// Reads the file.
    ///
    /// # Errors
    /// [`PolicyError`] naming file, line and key.
    pub fn load(file: &Path) -> Result<Self, PolicyError> {
        let text = fs::read_to_string(file).map_err(|source| PolicyError::Unreadable {
            file: file.to_owned(),
            source,
        })?;
        Self::parse(&text, file)
    }

    /// Reads the text of the file; `origin` is its name for messages.
    ///
    /// # Errors
    /// [`PolicyError`] naming line and key.
    pub fn parse(text: &str, origin: &Path) -> Result<Self, PolicyError> {
        let paper: Document<Paper> = Document::parse(text, origin)?;
        let problems = blends(&paper);
        if !problems.is_empty() {
            return Err(ConfigError::from(problems).into());
        }
        let roles = paper.value.roles.into_iter();
        Ok(Self {
            roles: roles.map(|(name, role)| (name, role.clearance)).collect(),
        })
    }

    /// Every role, by name, and what its holder may see.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Clearance)> {
        let roles = self.roles.iter();
        roles.map(|(name, clearance)| (name.as_str(), *clearance))
    }

    /// What a user with these roles may see: the join of what each may, which is that of a role.
    #[must_use]
    pub fn clearance(&self, held: &[String]) -> Clearance {
        let labels = held
            .iter()
            .filter_map(|role| self.roles.get(role))
            .map(|c| c.0);
        Clearance(labels.fold(Label::default(), Label::join))
    }
}

/// Two roles add up to more than either only where a role says that somebody may see as much: whoever
/// has both would otherwise be cleared for what nobody decided.
fn blends(paper: &Document<Paper>) -> Vec<Problem> {
    let roles: Vec<_> = paper.value.roles.iter().collect();
    let mut problems = Vec::new();
    for (at, (name, role)) in roles.iter().enumerate() {
        for (other, another) in roles.iter().skip(at + 1) {
            let both = role.clearance.0.join(another.clearance.0);
            if !roles.iter().any(|(_, role)| role.clearance.0 == both) {
                let what = format!(
                    "with role '{other}' is cleared for more than either, which no role is: add a \
                     role with the clearance of both, or have one cover the other"
                );
                problems.push(paper.problem(&["roles", name], what));
            }
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use strata_core::{Category, Sensitivity};

    use super::*;

    const PAPER: &str = r#"
        [roles.customer]
        clearance = { sensitivity = "confidential", categories = ["personal"] }
        [roles.auditor]
        clearance = { sensitivity = "restricted", categories = ["payment"] }
        [roles.investigator]
        clearance = { sensitivity = "restricted", categories = ["personal", "payment"] }
    "#;

    fn clearance(held: &[&str]) -> Clearance {
        let roles = Roles::parse(PAPER, Path::new("roles.toml")).unwrap();
        roles.clearance(
            &held
                .iter()
                .map(|role| (*role).to_owned())
                .collect::<Vec<_>>(),
        )
    }

    #[test]
    fn roles_add_up_and_strangers_see_public_data_only() {
        let personal = Label::new(Sensitivity::Confidential, &[Category::Personal]);
        assert_eq!(clearance(&["customer"]), Clearance(personal));
        let both = Label::new(
            Sensitivity::Restricted,
            &[Category::Personal, Category::Payment],
        );
        assert_eq!(clearance(&["customer", "auditor"]), Clearance(both));
        assert_eq!(clearance(&["nobody"]), Clearance::default());
        let roles = Roles::parse(PAPER, Path::new("roles.toml")).unwrap();
        assert_eq!(roles.iter().nth(1), Some(("customer", Clearance(personal))));
        assert_eq!(clearance(&[]), Clearance::default());
    }

    #[test]
    fn two_roles_are_no_third_that_nobody_wrote() {
        let (without, _) = PAPER.split_once("[roles.investigator]").unwrap();
        let error = Roles::parse(without, Path::new("roles.toml")).unwrap_err();
        let told = error.to_string();
        assert!(told.contains("roles.toml:4"), "{told}");
        assert!(
            told.contains("with role 'customer' is cleared for more than either"),
            "{told}"
        );
    }

    #[test]
    fn a_misspelt_key_is_named() {
        let error = Roles::parse("[roles.a]\nclearence = {}\n", Path::new("roles.toml"));
        assert!(
            error.unwrap_err().to_string().contains("roles.toml:2"),
            "names the line"
        );
    }
}
