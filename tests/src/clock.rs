//! A clock that a test sets while processes go by it.

use std::{fs, path::PathBuf};

use anyhow::Result;
use tempfile::TempDir;

use crate::{launch::Launch, programs};

/// The time of day of some processes, by libfaketime. What measures how long something takes (the monotonic
/// clock) goes on as ever, as it does on a machine whose clock is set.
pub struct Clock {
    library: PathBuf,
    dir: TempDir,
}

impl Clock {
    /// One that is right, if there is a libfaketime.
    ///
    /// # Errors
    /// When no temporary folder can be made; in CI, when there is no libfaketime.
    pub async fn new() -> Result<Option<Self>> {
        let Some(library) = programs::faketime().await? else {
            return Ok(None);
        };
        let clock = Self {
            library,
            dir: tempfile::tempdir()?,
        };
        clock.set(0)?;
        Ok(Some(clock))
    }

    /// A process that goes by it.
    #[must_use]
    pub fn of(&self, launch: Launch) -> Launch {
        launch
            .set("LD_PRELOAD", &self.library)
            .set("FAKETIME_TIMESTAMP_FILE", self.file())
            // It is asked at each look at the clock.
            .set("FAKETIME_NO_CACHE", "1")
            .set("FAKETIME_DONT_FAKE_MONOTONIC", "1")
    }

    /// Sets it so many seconds ahead of this machine's, or behind it. Whoever looks at it from now on sees
    /// that.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn set(&self, seconds: i64) -> Result<()> {
        // Nobody reads half of it.
        let written = self.dir.path().join("next");
        fs::write(&written, format!("{seconds:+}"))?;
        Ok(fs::rename(written, self.file())?)
    }

    fn file(&self) -> PathBuf {
        self.dir.path().join("clock")
    }
}
