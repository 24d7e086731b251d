//! A start continues the trail that is there: what the last file holds is checked, and sealed by the first
//! entries of the next.

use std::{
    fs::{self, DirBuilder, File, TryLockError},
    io,
    os::unix::fs::DirBuilderExt as _,
    path::Path,
};

use strata_config::Audit;
use strata_core::SpiffeId;
use strata_tls::Auditors;

use crate::{
    chain::{Hash, Link},
    checkpoint::{self, Vouched},
    error::AuditError,
    folder::{self, TRAIL},
    format::{Header, Seal, VERSION},
    read::{Flaw, Reader, header},
};

/// Whose trail it is.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    pub(crate) service: SpiffeId,
    /// This process: 16 random bytes.
    pub(crate) instance: [u8; 16],
}

impl Origin {
    /// What a file begins with that follows `predecessor`.
    pub(crate) fn header(&self, predecessor: &str, link: Link) -> Header {
        Header {
            version: VERSION,
            environment: self.service.trust_domain().environment().to_owned(),
            service: self.service.as_str().to_owned(),
            instance: self.instance.to_vec(),
            predecessor: predecessor.to_owned(),
            predecessor_hash: link.hash.to_vec(),
        }
    }
}

/// The trail as it was found.
pub(crate) struct Found {
    /// Its end.
    pub(crate) link: Link,
    /// How its last file was found; none where there is no trail yet.
    pub(crate) seal: Option<Seal>,
    /// Held as long as the trail is written.
    pub(crate) lock: File,
}

/// Takes the folders for this process, and reads the last file.
pub(crate) fn find(
    settings: &Audit,
    service: &SpiffeId,
    auditors: &Auditors,
) -> Result<Found, AuditError> {
    let lock = take(&settings.folder)?;
    make(&settings.checkpoints)?;
    let vouched = checkpoint::last(&settings.checkpoints, service, auditors)
        .map_err(|source| failed(&settings.checkpoints, source))?;
    let (link, seal) = end(&settings.folder, service, vouched.as_ref())?;
    if seal.is_some() && vouched.is_none() {
        let folder = settings.folder.display();
        tracing::warn!(%folder, "no checkpoint vouches for the audit trail that is continued");
    }
    Ok(Found { link, seal, lock })
}

fn failed(path: &Path, source: io::Error) -> AuditError {
    let path = path.to_owned();
    AuditError::Io { path, source }
}

/// A folder for this user alone, where there is none yet.
fn make(folder: &Path) -> Result<(), AuditError> {
    let mut builder = DirBuilder::new();
    let made = builder.recursive(true).mode(0o700).create(folder);
    made.map_err(|source| failed(folder, source))
}

fn take(folder: &Path) -> Result<File, AuditError> {
    make(folder)?;
    let path = folder.join("lock");
    let lock = File::options().create(true).append(true).open(&path);
    let lock = lock.map_err(|source| failed(&path, source))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(AuditError::Taken {
            path: folder.to_owned(),
        }),
        Err(TryLockError::Error(source)) => Err(failed(&path, source)),
    }
}

fn end(
    folder: &Path,
    service: &SpiffeId,
    vouched: Option<&Vouched>,
) -> Result<(Link, Option<Seal>), AuditError> {
    let broken = || AuditError::Broken {
        path: folder.to_owned(),
    };
    let mut files = folder::files(folder, TRAIL).map_err(|source| failed(folder, source))?;
    while let Some(last) = files.pop() {
        let path = folder.join(&last.name);
        let bytes = fs::read(&path).map_err(|source| failed(&path, source))?;
        let Some((header, first)) = header(&bytes) else {
            let begun = Reader::new(&bytes, Link::START).next();
            if !matches!(begun, None | Some(Err(Flaw::Unfinished))) {
                return Err(AuditError::Unreadable { path });
            }
            // It was just begun when its process ended, and nothing was ever in it.
            fs::remove_file(&path).map_err(|source| failed(&path, source))?;
            continue;
        };
        let environment = service.trust_domain();
        if header.service != service.as_str() || header.environment != environment.environment() {
            return Err(AuditError::Foreign {
                path,
                service: header.service,
            });
        }
        let hash = Hash::try_from(header.predecessor_hash).map_err(|_| broken())?;
        let before = Link {
            sequence: first.saturating_sub(1),
            hash,
        };
        let mut reader = Reader::new(&bytes, before);
        let mut agrees = vouched.is_none_or(|vouched| vouched.sequence <= before.sequence);
        while let Some(Ok(_)) = reader.next() {
            let link = reader.link();
            agrees |= vouched.is_some_and(|vouched| {
                (vouched.sequence, vouched.hash) == (link.sequence, link.hash)
            });
        }
        if !agrees {
            return Err(broken());
        }
        let seal = Seal {
            file: last.name,
            end: reader.offset() as u64,
            dropped: reader.rest().len() as u64,
        };
        return Ok((reader.link(), Some(seal)));
    }
    if vouched.is_some() {
        return Err(broken());
    }
    Ok((Link::START, None))
}
