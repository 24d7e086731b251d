//! The file that is written, and the one place that syncs it.

use std::{
    fs::File,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use crate::folder;

/// The last file of a trail. What is not known to be on disk is held, and written again after a failure:
/// an error of a sync may have lost any of it.
pub(crate) struct Sink {
    folder: PathBuf,
    name: String,
    file: File,
    /// Bytes that are on disk.
    synced: u64,
    /// Bytes that follow them.
    held: Vec<u8>,
    /// How many of these were written.
    written: usize,
    broken: bool,
}

impl Sink {
    /// Begins a new file.
    pub(crate) fn create(folder: &Path, name: String) -> io::Result<Self> {
        Ok(Self {
            file: folder::create(&folder.join(&name))?,
            folder: folder.to_owned(),
            name,
            synced: 0,
            held: Vec::new(),
            written: 0,
            broken: false,
        })
    }

    /// Where the next entries go.
    pub(crate) fn held(&mut self) -> &mut Vec<u8> {
        &mut self.held
    }

    /// The file's name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Its folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Bytes, those that are not on disk yet included.
    pub(crate) fn length(&self) -> u64 {
        self.synced + self.held.len() as u64
    }

    /// Whether all is on disk.
    pub(crate) fn is_synced(&self) -> bool {
        self.held.is_empty()
    }

    /// Writes what is held. It survives the process, and the machine only once it is synced.
    pub(crate) fn write(&mut self) -> io::Result<()> {
        if self.broken {
            // Half an entry may stand there.
            self.file.set_len(self.synced)?;
            self.written = 0;
        }
        self.broken = true;
        self.file
            .write_all(self.held.get(self.written..).unwrap_or_default())?;
        self.written = self.held.len();
        self.broken = false;
        Ok(())
    }

    /// Has all of it on disk.
    pub(crate) fn sync(&mut self) -> io::Result<()> {
        if self.is_synced() {
            return Ok(());
        }
        self.write()?;
        if let Err(error) = self.file.sync_data() {
            self.broken = true;
            return Err(error);
        }
        self.synced += self.held.len() as u64;
        self.held.clear();
        self.written = 0;
        Ok(())
    }
}
