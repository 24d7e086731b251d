//! Disks that take nothing more, which only root can make.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Result, ensure};
use tempfile::TempDir;

use crate::programs;

/// A small file system in memory.
pub struct SmallDisk(TempDir);

impl SmallDisk {
    /// One of so many KiB, where one can be mounted.
    ///
    /// # Errors
    /// When no temporary folder can be made; in CI, when none can be mounted.
    pub fn new(kib: u32) -> Result<Option<Self>> {
        let dir = tempfile::tempdir()?;
        let size = format!("size={kib}k");
        let mount = ["-t", "tmpfs", "-o", &size, "tmpfs"];
        Ok(mounted(&mount, dir.path())?.then_some(Self(dir)))
    }

    /// What is at a name of it.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Fills it to its last byte.
    ///
    /// # Errors
    /// When it has room for more than it can have.
    pub fn fill(&self) -> Result<()> {
        let full = fs::write(self.filler(), vec![0; 1 << 26]);
        let full = full.err().map(|error| error.kind());
        ensure!(full == Some(io::ErrorKind::StorageFull), "it is not small");
        Ok(())
    }

    /// Makes room again.
    ///
    /// # Errors
    /// When it was not filled.
    pub fn make_room(&self) -> io::Result<()> {
        fs::remove_file(self.filler())
    }

    fn filler(&self) -> PathBuf {
        self.path("filler")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        unmount(self.0.path());
    }
}

/// A folder in which nobody can make a file, root neither, until it is dropped. What is open stays open.
pub struct ReadOnly(PathBuf);

impl ReadOnly {
    /// Makes it one, where that can be.
    ///
    /// # Errors
    /// In CI, when it cannot.
    pub fn new(folder: &Path) -> Result<Option<Self>> {
        let onto_itself = folder.to_string_lossy();
        if !mounted(&["--bind", &onto_itself], folder)? {
            return Ok(None);
        }
        let read_only = Self(folder.to_owned());
        let done = mounted(&["-o", "remount,bind,ro"], folder)?;
        Ok(done.then_some(read_only))
    }
}

impl Drop for ReadOnly {
    fn drop(&mut self) {
        unmount(&self.0);
    }
}

/// Whether `mount` did it.
fn mounted(arguments: &[&str], folder: &Path) -> Result<bool> {
    let done = Command::new("mount").args(arguments).arg(folder).output();
    let done = done.is_ok_and(|done| done.status.success());
    if !done {
        programs::missing("a file system of one's own", "run this as root")?;
    }
    Ok(done)
}

fn unmount(folder: &Path) {
    // Whoever still has a file open there keeps it.
    let _ = Command::new("umount").arg("-l").arg(folder).status();
}
