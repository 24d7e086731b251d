//! From where connections are taken: policy/networks.toml, taken over when it changes.

use std::path::Path;

use strata_config::Environment;
use strata_net::{NetworkRules, Networks};
use strata_policy::{ListenerNetworks, NetworkLists, PolicyError};
use strata_telemetry::{Events, SecurityEvent};
use strata_tls::Folder;
use tokio::sync::watch;

use crate::documents::{POLICY, of_file};

/// The file. Its folder is watched, because an editor or a Kubernetes volume replaces it.
const FILE: &str = "policy/networks.toml";

/// The rules in force, of both listeners.
pub(crate) struct NetworkPolicy {
    environment: Environment,
    listen: watch::Sender<NetworkRules>,
    admin: watch::Sender<NetworkRules>,
}

impl NetworkPolicy {
    /// Reads the file of the service's folder.
    pub(crate) fn load(environment: Environment) -> Result<Self, PolicyError> {
        let lists = read(environment)?;
        Ok(Self {
            environment,
            listen: watch::Sender::new(rules(&lists.listen)),
            admin: watch::Sender::new(rules(&lists.admin)),
        })
    }

    pub(crate) fn listen(&self) -> Networks {
        Networks::watched(self.listen.subscribe())
    }

    pub(crate) fn admin(&self) -> Networks {
        Networks::watched(self.admin.subscribe())
    }

    /// Takes over what changes, for ever. A file that is gone or has a mistake changes nothing, and raises
    /// an alarm each time it is met.
    pub(crate) async fn watch(self, events: Events) {
        let mut folder = Folder::watch(Path::new(POLICY));
        let environment = self.environment;
        loop {
            folder.changed().await;
            let look = move || Ok::<_, PolicyError>((read(environment)?, of_file(Path::new(FILE))));
            let Ok(lists) = tokio::task::spawn_blocking(look).await else {
                continue;
            };
            match lists {
                Ok((lists, digest)) => {
                    let listen = replace(&self.listen, rules(&lists.listen));
                    let admin = replace(&self.admin, rules(&lists.admin));
                    if listen || admin {
                        events.emit(&SecurityEvent::PolicyReplaced {
                            document: FILE,
                            digest: &digest.unwrap_or_default(),
                            reason: "networks",
                        });
                    }
                }
                Err(error) => {
                    tracing::error!(%error, "new lists of networks are refused: the last good ones stay in force");
                    events.emit(&SecurityEvent::PolicyRejected {
                        document: FILE,
                        reason: "invalid_networks",
                    });
                }
            }
        }
    }
}

fn read(environment: Environment) -> Result<ListenerNetworks, PolicyError> {
    ListenerNetworks::load(Path::new(FILE), environment)
}

fn rules(lists: &NetworkLists) -> NetworkRules {
    NetworkRules::new(&lists.allow, &lists.block)
}

/// The same again disturbs no connection.
fn replace(rules: &watch::Sender<NetworkRules>, new: NetworkRules) -> bool {
    rules.send_if_modified(|current| {
        let differs = *current != new;
        *current = new;
        differs
    })
}
