//! What the service decides by, known by its digest: for whoever asks later what was in force.

use std::{fs, path::Path};

use sha2::{Digest as _, Sha256};
use strata_config::Config;
use strata_telemetry::{Events, SecurityEvent};

/// Beside `config/`, in the service's folder.
pub(crate) const POLICY: &str = "policy";

/// SHA-256 in hex digits.
pub(crate) fn digest(text: impl AsRef<[u8]>) -> String {
    format!("{:x}", Sha256::digest(text))
}

/// Tells what the service was started with: the configuration, and each file of its policies.
pub(crate) fn tell(config: &Config, events: &Events) {
    events.emit(&SecurityEvent::ConfigurationLoaded {
        digest: &digest(config.print()),
    });
    let entries = fs::read_dir(POLICY).into_iter().flatten().flatten();
    let mut files: Vec<_> = entries.map(|entry| entry.path()).collect();
    files.retain(|file| {
        file.extension()
            .is_some_and(|it| it == "toml" || it == "cedar")
    });
    files.sort();
    for file in files {
        // What cannot be read was not read by who decides by it either: then the service has not started.
        if let (Ok(text), Some(document)) = (fs::read(&file), file.to_str()) {
            events.emit(&SecurityEvent::PolicyLoaded {
                document,
                digest: &digest(text),
            });
        }
    }
}

/// The digest of a file as it is now; none when it cannot be read.
pub(crate) fn of_file(file: &Path) -> Option<String> {
    fs::read(file).ok().map(digest)
}
