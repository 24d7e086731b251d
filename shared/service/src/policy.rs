//! The service's policies: loaded before a port is bound, taken over when they change.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use strata_config::Environment;
use strata_core::Contract;
use strata_guard::{Guard, GuardError, Reload};
use strata_telemetry::{Events, SecurityEvent};
use strata_tls::Folder;

use crate::documents::{POLICY, digest};

/// The policies of the service with this contract.
pub(crate) fn load<C: Contract>(environment: Environment) -> Result<Arc<Guard>, GuardError> {
    let (schema, service) = (C::POLICY_SCHEMA, C::SERVICE);
    Guard::load(POLICY.into(), schema, service, environment.as_str()).map(Arc::new)
}

/// Takes over what changes in the folder, for ever, and tells of it. What cannot be used raises an alarm each
/// time it is met.
pub(crate) async fn watch(guard: Arc<Guard>, events: Events) {
    let mut folder = Folder::watch(Path::new(POLICY));
    let mut known = digests(&guard);
    loop {
        folder.changed().await;
        let changed = Arc::clone(&guard);
        // Thousands of policies take a while to validate, which is nothing for a thread that serves.
        let Ok(reload) = tokio::task::spawn_blocking(move || changed.reload()).await else {
            continue;
        };
        match reload {
            Ok(Reload::Unchanged | Reload::Unsettled) => {}
            Ok(Reload::Replaced) => {
                let before = std::mem::replace(&mut known, digests(&guard));
                for (document, digest) in known.iter().filter(|now| !before.contains(now)) {
                    events.emit(&SecurityEvent::PolicyReplaced {
                        document,
                        digest,
                        reason: "policies",
                    });
                }
            }
            Err(error) => {
                tracing::error!(%error, "new policies are refused: the last good ones stay in force");
                events.emit(&SecurityEvent::PolicyRejected {
                    document: POLICY,
                    reason: "invalid_policies",
                });
            }
        }
    }
}

/// The files in force, each with the digest of its text.
fn digests(guard: &Guard) -> Vec<(String, String)> {
    let files = guard.files().into_iter();
    let one = |(file, text): (PathBuf, String)| (file.display().to_string(), digest(text));
    files.map(one).collect()
}
