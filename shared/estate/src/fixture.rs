//! Programs for tests, made of shell script.

use std::{fs, path::Path, process::Command};

/// Writes an executable script. Another process writes the executable itself: were it open for
/// writing here, a process forked by another test would keep it so, and it could not be started.
pub(crate) fn script(file: &Path, text: &str) {
    let draft = file.with_extension("draft");
    fs::write(&draft, format!("#!/bin/sh\n{text}\n")).unwrap();
    let mut install = Command::new("install");
    assert!(
        install
            .args(["-m", "755"])
            .arg(&draft)
            .arg(file)
            .status()
            .unwrap()
            .success()
    );
}
