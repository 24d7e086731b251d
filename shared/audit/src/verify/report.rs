//! What came of a verification.

use serde::Serialize;

/// What came of verifying one trail.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// The service, by its SPIFFE ID, as far as it is known.
    pub service: String,
    /// Files of the trail.
    pub files: u64,
    /// Decisions in it that are as they were written.
    pub records: u64,
    /// The first entry and the last that are as they were written; none where there is none.
    pub entries: Option<(u64, u64)>,
    /// Checkpoints that the service has signed.
    pub checkpoints: u64,
    /// The last entry that a checkpoint vouches for: in a sound trail all up to it are as they were written.
    pub vouched: Option<u64>,
    /// What is wrong. Of the trail the first: nothing after it can be told from what it hides.
    pub findings: Vec<Finding>,
    /// What is not as usual, and can be so in an honest trail.
    pub remarks: Vec<String>,
}

impl Report {
    /// Whether all is as it was written.
    #[must_use]
    pub const fn is_sound(&self) -> bool {
        self.findings.is_empty()
    }

    pub(super) fn find(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    pub(super) fn remark(&mut self, remark: String) {
        self.remarks.push(remark);
    }
}

/// Something wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The file, or the folder.
    pub file: String,
    /// The number of the entry.
    pub sequence: Option<u64>,
    /// Where it begins in the file, in bytes.
    pub offset: Option<u64>,
    /// What is wrong.
    pub problem: Problem,
}

/// What can be wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Problem {
    /// An entry's bytes are not those that its hash was made of, or not an entry.
    #[error("was changed")]
    Changed,
    /// Another entry stands where this one should be.
    #[error("is not here: entry {found} is, so entries were deleted or put in another order")]
    OutOfOrder {
        /// The number of that one.
        found: u64,
    },
    /// An entry before the end is not whole, and no start of the service has said so.
    #[error("is cut short, and no seal says so")]
    CutShort,
    /// A file that follows from those before and after is not there.
    #[error("is in a file that is missing")]
    MissingFile,
    /// A file does not begin as the trail says.
    #[error("does not begin the file that follows the one before")]
    WrongHeader,
    /// It is the trail of somebody else.
    #[error("is of {of}: the trail of another environment or service")]
    Foreign {
        /// Whose it says that it is.
        of: String,
    },
    /// A checkpoint vouches for entries after the last.
    #[error("is missing: a checkpoint vouches for the trail up to entry {vouched}")]
    Truncated {
        /// The last that is vouched for.
        vouched: u64,
    },
    /// The trail is sound in itself, and not what a checkpoint says it was: it was written anew.
    #[error("is not what a checkpoint vouches for")]
    Rewritten,
    /// Entries of more than a few seconds that no checkpoint vouches for.
    #[error("and all after it are vouched for by no checkpoint")]
    Unvouched,
    /// There are checkpoints and no trail.
    #[error("holds no trail, and there are checkpoints of one")]
    NoTrail,
    /// A checkpoint file ends within a checkpoint, or holds what is none.
    #[error("holds a checkpoint that is cut short or cannot be read")]
    BrokenCheckpoint,
    /// A checkpoint is signed by another key than one of this service.
    #[error("holds a checkpoint that this service's audit key has not signed")]
    ForeignCheckpoint,
}
