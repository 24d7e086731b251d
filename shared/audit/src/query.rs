//! Who did what with somebody's data, and everything in one transaction.

use std::{fs, io, path::Path};

use serde::Serialize;

use crate::{
    chain::{Hash, Link},
    folder::{self, TRAIL},
    format::{Content, Record, Verdict},
    read::{Reader, header},
    resource::ResourceKey,
};

/// What to look for.
pub enum Query<'a> {
    /// What a person did, and what was done with the objects of that id. The key is the environment's.
    Subject(&'a str, &'a ResourceKey),
    /// Everything of a trace, by its id.
    Trace(u128),
    /// All there is.
    All,
}

/// A record that was looked for.
#[derive(Clone, Debug, Serialize)]
pub struct Found {
    /// The service that recorded it, by its SPIFFE ID.
    pub service: String,
    /// Its number in that service's trail.
    pub sequence: u64,
    /// When: nanoseconds since 1970.
    pub time: u64,
    /// What.
    #[serde(skip)]
    pub record: Record,
}

impl Query<'_> {
    fn wanted(&self) -> Wanted {
        match self {
            Self::Subject(subject, key) => {
                Wanted::Subject((*subject).to_owned(), key.name(subject))
            }
            Self::Trace(trace) => Wanted::Trace(trace.to_be_bytes()),
            Self::All => Wanted::All,
        }
    }
}

enum Wanted {
    Subject(String, Vec<u8>),
    Trace([u8; 16]),
    All,
}

impl Wanted {
    fn is(&self, record: &Record) -> bool {
        match self {
            Self::Subject(subject, resource) => {
                record.subject == *subject || record.resource == *resource
            }
            Self::Trace(trace) => record.trace == trace,
            Self::All => true,
        }
    }
}

impl Found {
    /// Its verdict.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        self.record.verdict()
    }
}

/// Gives `each` every record that is looked for, of the trail in `folder`, in its order. What cannot be
/// read is passed over: it is for [`crate::verify`] to tell of it.
///
/// # Errors
/// When the folder or a file cannot be read, and what `each` fails with.
pub fn query<E: From<io::Error>>(
    folder: &Path,
    what: &Query<'_>,
    mut each: impl FnMut(Found) -> Result<(), E>,
) -> Result<(), E> {
    let wanted = what.wanted();
    for file in folder::files(folder, TRAIL)? {
        let bytes = fs::read(folder.join(&file.name))?;
        let Some((header, first)) = header(&bytes) else {
            continue;
        };
        let before = Link {
            sequence: first.saturating_sub(1),
            hash: Hash::try_from(header.predecessor_hash).unwrap_or_default(),
        };
        let mut reader = Reader::new(&bytes, before);
        while let Some(Ok(item)) = reader.next() {
            let Some(Content::Record(record)) = item.content else {
                continue;
            };
            if wanted.is(&record) {
                each(Found {
                    service: header.service.clone(),
                    sequence: item.sequence,
                    time: item.time,
                    record,
                })?;
            }
        }
    }
    Ok(())
}
