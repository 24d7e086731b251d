//! What is wrong with policies, by file and line.

use std::{
    fmt,
    path::{Path, PathBuf},
};

/// One thing that is wrong, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The file, or the folder of policies.
    pub file: PathBuf,
    /// The line, from 1, where it is known.
    pub line: Option<usize>,
    /// What is wrong.
    pub problem: String,
    /// What to do.
    pub remedy: &'static str,
}

impl Finding {
    pub(crate) fn new(
        file: &Path,
        line: impl Into<Option<usize>>,
        problem: impl Into<String>,
        remedy: &'static str,
    ) -> Self {
        Self {
            file: file.to_owned(),
            line: line.into(),
            problem: problem.into(),
            remedy,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}: {}", self.problem, self.remedy)
    }
}

/// Policies that cannot be used: everything that is wrong with them.
#[derive(Debug, thiserror::Error)]
#[error("{}", lines(.0))]
pub struct GuardError(pub Vec<Finding>);

impl From<Vec<Finding>> for GuardError {
    fn from(findings: Vec<Finding>) -> Self {
        Self(findings)
    }
}

impl From<Finding> for GuardError {
    fn from(finding: Finding) -> Self {
        Self(vec![finding])
    }
}

fn lines(findings: &[Finding]) -> String {
    let lines: Vec<_> = findings.iter().map(Finding::to_string).collect();
    lines.join("\n")
}
