//! What a check found.

use std::fmt;

use prost_reflect::FileDescriptor;

use crate::comments;

/// One thing wrong with a contract, as one sentence: where, what, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    place: String,
    subject: String,
    problem: String,
}

impl Finding {
    /// `place` is a file, `subject` what in it (may be empty), `problem` says what is wrong and what
    /// to do, as the rest of a sentence that starts with the subject.
    pub(crate) fn new(place: &str, subject: &str, problem: impl Into<String>) -> Self {
        Self {
            place: place.to_owned(),
            subject: subject.to_owned(),
            problem: problem.into(),
        }
    }

    /// A finding about the element of `file` that has this descriptor path.
    pub(crate) fn at(
        file: &FileDescriptor,
        path: &[i32],
        subject: &str,
        problem: impl Into<String>,
    ) -> Self {
        match comments::line(file, path) {
            Some(line) => Self::new(&format!("{}:{line}", file.name()), subject, problem),
            None => Self::new(file.name(), subject, problem),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            place,
            subject,
            problem,
        } = self;
        if subject.is_empty() {
            write!(f, "{place}: {problem}")
        } else {
            write!(f, "{place}: {subject} {problem}")
        }
    }
}
