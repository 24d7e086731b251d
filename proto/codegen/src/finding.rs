//! What a check found.

use std::fmt;

use prost_reflect::{FieldDescriptor, FileDescriptor};

use crate::comments;

/// One thing wrong with a contract, as one sentence: where, what, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    place: String,
    subject: String,
    problem: String,
}

impl std::error::Error for Finding {}

impl Finding {
    /// `place` is a file, `subject` what in it (may be empty), `problem` says what is wrong and what
    /// to do, as the rest of a sentence that starts with the subject. What to do follows the first
    /// colon.
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
        Self::new(&place(file, path), subject, problem)
    }

    /// A finding about a field.
    pub(crate) fn of(field: &FieldDescriptor, problem: impl Into<String>) -> Self {
        let message = field.parent_message();
        let subject = format!("message {}, field {}", message.name(), field.name());
        Self::at(&message.parent_file(), field.path(), &subject, problem)
    }

    /// The file, from the folder of all contracts on, with the line where it is known.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }

    /// What is wrong there.
    #[must_use]
    pub fn problem(&self) -> String {
        let (problem, _) = self.parts();
        format!("{} {problem}", self.subject).trim().to_owned()
    }

    /// What to do.
    #[must_use]
    pub fn remedy(&self) -> &str {
        self.parts().1
    }

    fn parts(&self) -> (&str, &str) {
        self.problem
            .split_once(": ")
            .unwrap_or((&self.problem, "correct it there"))
    }
}

/// Where the element of `file` with this descriptor path is: the file, and the line if it is known.
pub(crate) fn place(file: &FileDescriptor, path: &[i32]) -> String {
    match comments::line(file, path) {
        Some(line) => format!("{}:{line}", file.name()),
        None => file.name().to_owned(),
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
