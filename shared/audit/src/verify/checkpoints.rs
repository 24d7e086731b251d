//! What the checkpoints of a trail say that it was.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use strata_core::SpiffeId;
use strata_tls::Auditors;

use super::report::{Finding, Problem, Report};
use crate::{
    chain::Hash,
    checkpoint::{CheckpointReader, Unsound, Vouched},
    folder::{self, CHECKPOINTS},
};

/// The files of checkpoints, read and not looked at yet.
pub(super) struct Files(Vec<(PathBuf, Vec<u8>)>);

/// What is vouched for: hashes of entries, by their numbers.
pub(super) struct Claims(BTreeMap<u64, Hash>);

impl Claims {
    /// Reads the files; a folder that is not there has none.
    pub(super) fn files(folder: &Path) -> io::Result<Files> {
        let files = match folder::files(folder, CHECKPOINTS) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            files => files?,
        };
        let read = files.into_iter().map(|file| {
            let path = folder.join(file.name);
            let bytes = fs::read(&path)?;
            Ok((path, bytes))
        });
        read.collect::<io::Result<_>>().map(Files)
    }

    pub(super) fn of(&self, sequence: u64) -> Option<&Hash> {
        self.0.get(&sequence)
    }

    pub(super) fn last(&self) -> Option<u64> {
        self.0.last_key_value().map(|(sequence, _)| *sequence)
    }
}

impl Files {
    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What of it the service has signed. Of each file the first flaw is a finding.
    pub(super) fn read(
        self,
        service: &SpiffeId,
        auditors: &Auditors,
        report: &mut Report,
    ) -> Claims {
        let mut claims = BTreeMap::new();
        for (path, bytes) in &self.0 {
            let file = path.display().to_string();
            let mut flawed = false;
            for (offset, checkpoint) in CheckpointReader::new(bytes, service, auditors) {
                let problem = match checkpoint {
                    Ok(Vouched { sequence, hash, .. }) => {
                        report.checkpoints += 1;
                        claims.insert(sequence, hash);
                        continue;
                    }
                    Err(Unsound::NotSigned) => Problem::ForeignCheckpoint,
                    Err(Unsound::CutShort | Unsound::Unreadable) => Problem::BrokenCheckpoint,
                };
                if !std::mem::replace(&mut flawed, true) {
                    report.find(Finding {
                        file: file.clone(),
                        sequence: None,
                        offset: Some(offset as u64),
                        problem,
                    });
                }
            }
        }
        Claims(claims)
    }
}
