//! What keeps a trail from being written.

use std::{io, path::PathBuf};

/// Why a process cannot keep its trail, and so does not start.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// A folder or file of it cannot be used.
    #[error(
        "the audit trail cannot be kept in `{path}`: make it a folder that this service may write"
    )]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Somebody else writes it.
    #[error("another process keeps its audit trail in `{path}`: give each its own 'audit.folder'")]
    Taken {
        /// The folder.
        path: PathBuf,
    },
    /// It is the trail of another service or environment.
    #[error("`{path}` holds the audit trail of {service}: give this service a folder of its own")]
    Foreign {
        /// The file that says so.
        path: PathBuf,
        /// Whose it is.
        service: String,
    },
    /// It is not what a checkpoint says it was.
    #[error(
        "the audit trail in `{path}` is not what its last checkpoint vouches for: keep both folders as \
         evidence, run `cargo strata audit verify` on them, and name empty ones"
    )]
    Broken {
        /// The folder.
        path: PathBuf,
    },
    /// Its first file cannot be read at all.
    #[error("`{path}` does not begin as an audit trail: move it away, or name another folder")]
    Unreadable {
        /// The file.
        path: PathBuf,
    },
    /// The checkpoint could not be signed.
    #[error("the audit key cannot sign: issue the service's material again")]
    Key,
}

/// Why a decision is not in the trail. The request must be refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotRecorded {
    /// Too many wait to be written.
    #[error("the audit queue is full")]
    Full,
    /// The trail cannot be written.
    #[error("the audit trail cannot be written")]
    Failing,
}

impl NotRecorded {
    /// The reason as events carry it.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Full => "queue_full",
            Self::Failing => "not_writable",
        }
    }
}
