//! The service's policies: loaded before a port is bound, taken over when they change.

use std::{path::Path, sync::Arc};

use strata_config::Environment;
use strata_core::Contract;
use strata_guard::{Guard, GuardError, Reload};
use strata_telemetry::{Events, SecurityEvent};
use strata_tls::Folder;

/// Beside `config/`, in the service's folder.
const FOLDER: &str = "policy";

/// The policies of the service with this contract.
pub(crate) fn load<C: Contract>(environment: Environment) -> Result<Arc<Guard>, GuardError> {
    let (schema, service) = (C::POLICY_SCHEMA, C::SERVICE);
    Guard::load(FOLDER.into(), schema, service, environment.as_str()).map(Arc::new)
}

/// Takes over what changes in the folder, for ever. What cannot be used raises an alarm each time it
/// is met.
pub(crate) async fn watch(guard: Arc<Guard>, events: Events) {
    let mut folder = Folder::watch(Path::new(FOLDER));
    loop {
        folder.changed().await;
        let changed = Arc::clone(&guard);
        // Thousands of policies take a while to validate, which is nothing for a thread that serves.
        let Ok(reload) = tokio::task::spawn_blocking(move || changed.reload()).await else {
            continue;
        };
        match reload {
            Ok(Reload::Unchanged | Reload::Unsettled) => {}
            Ok(Reload::Replaced) => tracing::info!("new policies are in force"),
            Err(error) => {
                tracing::error!(%error, "new policies are refused: the last good ones stay in force");
                events.emit(&SecurityEvent::PolicyRejected {
                    reason: "invalid_policies",
                });
            }
        }
    }
}
