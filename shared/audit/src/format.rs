//! How a trail lies on disk: protobuf messages, each with its length before it. What these types say is
//! the format; a field is added with a new number and never used again for something else.

use strata_core::{Category, Label, Sensitivity};

/// The version of the format, in every header.
pub(crate) const VERSION: u32 = 1;

/// One entry of a file: an item, and the hash that chains it to the one before.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Entry {
    /// An [`Item`], encoded.
    #[prost(bytes = "vec", tag = "1")]
    pub item: Vec<u8>,
    /// SHA-256 of the hash of the entry before and `item`.
    #[prost(bytes = "vec", tag = "2")]
    pub hash: Vec<u8>,
}

/// What an entry holds.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Item {
    /// Counts the entries of a trail from 1, over all files and starts.
    #[prost(uint64, tag = "1")]
    pub sequence: u64,
    /// When it was appended: nanoseconds since 1970, by the clock of the process, which may step back.
    #[prost(fixed64, tag = "2")]
    pub time: u64,
    #[prost(oneof = "Content", tags = "3, 4, 5, 6")]
    pub content: Option<Content>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
pub(crate) enum Content {
    #[prost(message, tag = "3")]
    Header(Header),
    #[prost(message, tag = "4")]
    Record(Record),
    #[prost(message, tag = "5")]
    Seal(Seal),
    #[prost(message, tag = "6")]
    Removed(Removed),
}

/// Begins every file.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Header {
    #[prost(uint32, tag = "1")]
    pub version: u32,
    /// `<environment>.<organisation>`.
    #[prost(string, tag = "2")]
    pub environment: String,
    /// The service's SPIFFE ID.
    #[prost(string, tag = "3")]
    pub service: String,
    /// The process that wrote it: 16 random bytes.
    #[prost(bytes = "vec", tag = "4")]
    pub instance: Vec<u8>,
    /// The file before; empty in the first of a trail.
    #[prost(string, tag = "5")]
    pub predecessor: String,
    /// The hash of its last entry; 32 zero bytes in the first of a trail.
    #[prost(bytes = "vec", tag = "6")]
    pub predecessor_hash: Vec<u8>,
}

/// Written at a start: how the file before was found.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Seal {
    /// That file.
    #[prost(string, tag = "1")]
    pub file: String,
    /// Where its last sound entry ends, in bytes.
    #[prost(uint64, tag = "2")]
    pub end: u64,
    /// Bytes after it, half an entry that was never acknowledged. They stay in the file and count for
    /// nothing.
    #[prost(uint64, tag = "3")]
    pub dropped: u64,
}

/// Written before files are removed because their time is over.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Removed {
    /// The file that is the first from now on.
    #[prost(string, tag = "1")]
    pub first: String,
    /// Why.
    #[prost(string, tag = "2")]
    pub reason: String,
}

/// What was decided about one request.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Record {
    /// The trace-id (W3C Trace Context), 16 bytes; empty where there was none yet.
    #[prost(bytes = "vec", tag = "1")]
    pub trace: Vec<u8>,
    /// The user, by the `sub` of their token; empty where there was none.
    #[prost(string, tag = "2")]
    pub subject: String,
    /// Who sent it: a SPIFFE ID, or `edge`; empty where nobody is known.
    #[prost(string, tag = "3")]
    pub via: String,
    /// The path of the method, or what else was done.
    #[prost(string, tag = "4")]
    pub action: String,
    /// What `resource` is the id of; empty where none is named.
    #[prost(string, tag = "5")]
    pub resource_kind: String,
    /// [`crate::ResourceKey::name`] of its id.
    #[prost(bytes = "vec", tag = "6")]
    pub resource: Vec<u8>,
    /// The most the answer held, 0 (public) to 3 (restricted).
    #[prost(uint32, tag = "7")]
    pub sensitivity: u32,
    /// And of which categories, a bit each in the order of `strata_core::Category`.
    #[prost(uint32, tag = "8")]
    pub categories: u32,
    /// What came of it.
    #[prost(enumeration = "Verdict", tag = "9")]
    pub verdict: i32,
    /// The outcome, `OK` or the code of the error.
    #[prost(string, tag = "10")]
    pub code: String,
    /// What decided; empty where nothing but the rules as a whole.
    #[prost(string, tag = "11")]
    pub rule: String,
}

/// What came of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum Verdict {
    /// Never written.
    Unspecified = 0,
    /// It was answered.
    Allowed = 1,
    /// It was not let through.
    Refused = 2,
    /// It was let through and came to no good answer.
    Failed = 3,
}

impl Verdict {
    /// In lower case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::Allowed => "allowed",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

impl Record {
    const SENSITIVITIES: [Sensitivity; 4] = [
        Sensitivity::Public,
        Sensitivity::Internal,
        Sensitivity::Confidential,
        Sensitivity::Restricted,
    ];

    pub(crate) fn set_label(&mut self, label: Label) {
        let place = Self::SENSITIVITIES
            .iter()
            .position(|it| *it == label.sensitivity);
        self.sensitivity = place.and_then(|at| at.try_into().ok()).unwrap_or(u32::MAX);
        let bits = label.categories.iter().map(|category| 1 << category as u32);
        self.categories = bits.fold(0, |all, bit: u32| all | bit);
    }

    /// The label; what is not known counts as restricted.
    #[must_use]
    pub fn label(&self) -> Label {
        let place = usize::try_from(self.sensitivity).unwrap_or(usize::MAX);
        let sensitivity = Self::SENSITIVITIES.get(place).copied();
        let held = |category: &Category| self.categories & (1 << *category as u32) != 0;
        let categories: Vec<_> = Category::ALL.into_iter().filter(held).collect();
        Label::new(sensitivity.unwrap_or(Sensitivity::Restricted), &categories)
    }

    /// The trace-id as 32 hex digits; empty where there was none.
    #[must_use]
    pub fn trace_text(&self) -> String {
        hex(&self.trace)
    }
}

/// Bytes as hex digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a text does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// A checkpoint file is a row of these: whose it is, then what was signed, until the key changes.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct CheckpointEntry {
    #[prost(oneof = "CheckpointContent", tags = "1, 2")]
    pub content: Option<CheckpointContent>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
pub(crate) enum CheckpointContent {
    /// The leaf (DER) whose key signed what follows.
    #[prost(bytes = "vec", tag = "1")]
    Leaf(Vec<u8>),
    #[prost(message, tag = "2")]
    Signed(SignedCheckpoint),
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct SignedCheckpoint {
    /// A [`Checkpoint`], encoded.
    #[prost(bytes = "vec", tag = "1")]
    pub checkpoint: Vec<u8>,
    /// Ed25519 over it, with its purpose before it.
    #[prost(bytes = "vec", tag = "2")]
    pub signature: Vec<u8>,
}

/// What a trail was at a moment. Whose it is says the leaf.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Checkpoint {
    /// The last entry that was on disk.
    #[prost(uint64, tag = "1")]
    pub sequence: u64,
    /// Its hash.
    #[prost(bytes = "vec", tag = "2")]
    pub hash: Vec<u8>,
    /// When: nanoseconds since 1970.
    #[prost(fixed64, tag = "3")]
    pub time: u64,
    /// The file it is in.
    #[prost(string, tag = "4")]
    pub file: String,
}
