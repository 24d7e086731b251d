//! What the trail was at a moment, signed, in a second place: who can change the trail cannot change that.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use prost::Message as _;
use strata_core::SpiffeId;
use strata_tls::{AuditSigner, Auditors, Signed};

use crate::{
    chain::{Hash, Link},
    folder::{self, CHECKPOINTS, Numbered},
    format::{Checkpoint, CheckpointContent, CheckpointEntry, SignedCheckpoint},
    read::{Flaw, delimited},
};

/// Before what is signed, so that the key's signature on anything else is none on a checkpoint.
const PURPOSE: &[u8] = b"strata audit checkpoint v1\0";

/// Nanoseconds in a second.
const NANOS: u64 = 1_000_000_000;

/// Writes checkpoints.
pub(crate) struct Checkpoints {
    folder: PathBuf,
    signer: AuditSigner,
    file: Option<Open>,
}

struct Open {
    file: File,
    /// Bytes that are whole entries.
    length: u64,
    /// The leaf that stands before what comes next.
    leaf: Vec<u8>,
}

impl Checkpoints {
    pub(crate) const fn new(folder: PathBuf, signer: AuditSigner) -> Self {
        Self {
            folder,
            signer,
            file: None,
        }
    }

    /// Goes on in a file of its own from the next checkpoint on.
    pub(crate) fn rotate(&mut self) {
        self.file = None;
    }

    /// Signs what the trail is at `link`, in the file `name`, at `time`, and has it on disk.
    pub(crate) fn write(&mut self, link: Link, name: &str, time: u64) -> io::Result<()> {
        let checkpoint = Checkpoint {
            sequence: link.sequence,
            hash: link.hash.to_vec(),
            time,
            file: name.to_owned(),
        }
        .encode_to_vec();
        let Signed { leaf, signature } = self
            .signer
            .sign(&message(&checkpoint))
            .ok_or_else(|| io::Error::other("the audit key does not sign"))?;
        let open = match self.file.take() {
            Some(open) => open,
            None => {
                let path = self.folder.join(folder::name(link.sequence, CHECKPOINTS));
                Open {
                    file: folder::create(&path)?,
                    length: 0,
                    leaf: Vec::new(),
                }
            }
        };
        let open = self.file.insert(open);
        let mut bytes = Vec::new();
        if open.leaf != leaf {
            put(CheckpointContent::Leaf(leaf.clone()), &mut bytes);
        }
        let signed = SignedCheckpoint {
            checkpoint,
            signature,
        };
        put(CheckpointContent::Signed(signed), &mut bytes);
        let written = open.file.write_all(&bytes);
        if let Err(error) = written.and_then(|()| open.file.sync_data()) {
            // Half of one would make the next unreadable.
            open.file.set_len(open.length)?;
            return Err(error);
        }
        open.length += bytes.len() as u64;
        open.leaf = leaf;
        Ok(())
    }
}

fn put(content: CheckpointContent, bytes: &mut Vec<u8>) {
    let entry = CheckpointEntry {
        content: Some(content),
    };
    // A buffer that grows has room for every entry.
    let _ = entry.encode_length_delimited(bytes);
}

fn message(checkpoint: &[u8]) -> Vec<u8> {
    [PURPOSE, checkpoint].concat()
}

/// A checkpoint that the service has signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Vouched {
    pub(crate) sequence: u64,
    pub(crate) hash: Hash,
    pub(crate) time: u64,
    pub(crate) file: String,
}

/// Why an entry of a checkpoint file says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unsound {
    /// The file ends within it.
    #[error("it is cut short")]
    CutShort,
    /// It is none, or names no key, or no entry of a trail.
    #[error("it cannot be read")]
    Unreadable,
    /// The service did not sign it: another did, or its signature is of something else.
    #[error("this service's audit key has not signed it")]
    NotSigned,
}

/// Reads the checkpoints of a file one by one, each with where it begins. Nothing after one that cannot be
/// read can be.
pub(crate) struct CheckpointReader<'a> {
    bytes: &'a [u8],
    offset: usize,
    service: &'a SpiffeId,
    auditors: &'a Auditors,
    leaf: Vec<u8>,
    ended: bool,
}

impl<'a> CheckpointReader<'a> {
    pub(crate) const fn new(
        bytes: &'a [u8],
        service: &'a SpiffeId,
        auditors: &'a Auditors,
    ) -> Self {
        Self {
            bytes,
            offset: 0,
            service,
            auditors,
            leaf: Vec::new(),
            ended: false,
        }
    }

    fn checked(&mut self, signed: &SignedCheckpoint) -> Result<Vouched, Unsound> {
        let checkpoint =
            Checkpoint::decode(&*signed.checkpoint).map_err(|_| Unsound::Unreadable)?;
        let at = checkpoint.time / NANOS;
        // Each is asked about at its own time, since a leaf lives for hours and a file for days.
        let key = self.auditors.verify(&self.leaf, at);
        let key = key.map_err(|_| Unsound::NotSigned)?;
        if key.id != *self.service || !key.signed(&message(&signed.checkpoint), &signed.signature) {
            return Err(Unsound::NotSigned);
        }
        Ok(Vouched {
            sequence: checkpoint.sequence,
            hash: checkpoint
                .hash
                .try_into()
                .map_err(|_| Unsound::Unreadable)?,
            time: checkpoint.time,
            file: checkpoint.file,
        })
    }
}

impl Iterator for CheckpointReader<'_> {
    type Item = (usize, Result<Vouched, Unsound>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let rest = self
                .bytes
                .get(self.offset..)
                .filter(|rest| !rest.is_empty())?;
            if self.ended {
                return None;
            }
            let at = self.offset;
            let (entry, length) = match delimited::<CheckpointEntry>(rest) {
                Ok(entry) => entry,
                Err(flaw) => {
                    self.ended = true;
                    let unsound = match flaw {
                        Flaw::Unfinished => Unsound::CutShort,
                        _ => Unsound::Unreadable,
                    };
                    return Some((at, Err(unsound)));
                }
            };
            self.offset += length;
            match entry.content {
                Some(CheckpointContent::Leaf(leaf)) => self.leaf = leaf,
                Some(CheckpointContent::Signed(signed)) => {
                    return Some((at, self.checked(&signed)));
                }
                None => return Some((at, Err(Unsound::Unreadable))),
            }
        }
    }
}

/// The last checkpoint of `service` that can be believed; none where there is none. What cannot be in the
/// files that are read for it is told.
pub(crate) fn last(
    folder: &Path,
    service: &SpiffeId,
    auditors: &Auditors,
) -> io::Result<Option<Vouched>> {
    let files = folder::files(folder, CHECKPOINTS)?;
    for Numbered { name, .. } in files.iter().rev() {
        let path = folder.join(name);
        let bytes = fs::read(&path)?;
        let mut last: Option<Vouched> = None;
        for (offset, checkpoint) in CheckpointReader::new(&bytes, service, auditors) {
            match checkpoint {
                Ok(vouched)
                    if last
                        .as_ref()
                        .is_none_or(|it| it.sequence < vouched.sequence) =>
                {
                    last = Some(vouched);
                }
                Ok(_) => {}
                Err(unsound) => tracing::warn!(
                    file = %path.display(), offset, %unsound,
                    "a checkpoint of the audit trail is not believed: run `cargo strata audit verify`"
                ),
            }
        }
        if last.is_some() {
            return Ok(last);
        }
    }
    Ok(None)
}
