//! The service's certificates and trust: loaded before anything else, taken over when they change.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use strata_config::{Config, Environment, Manifest};
use strata_core::{Layer, TrustDomain, masking::Tokens};
use strata_release::KeyedTokens;
use strata_telemetry::{Events, MaterialMetrics, Part, SecurityEvent};
use strata_tls::{MASK_KEY, Material, MaterialError, MaterialPart, Reload, Trust};

use crate::{error::StartError, exemptions};

/// The material, trusted for exactly the layers that may call this one or that it may call, and for the
/// single services that are exempted from that.
pub(crate) fn load(
    manifest: &Manifest,
    environment: Environment,
    config: &Config,
) -> Result<Material, StartError> {
    let domains = |layers: &mut dyn Iterator<Item = Layer>| {
        layers
            .map(|layer| strata_config::trust_domain(layer, environment))
            .collect::<Result<Vec<TrustDomain>, _>>()
    };
    let own = strata_config::trust_domain(manifest.layer, environment)?.workload(&manifest.name)?;
    let trust = Trust {
        own,
        callers: domains(&mut manifest.layer.callers())?,
        callees: domains(&mut manifest.layer.callees())?,
        exempted: exemptions::trust(manifest, environment)?,
        accept_stale_crls: environment.accepts_stale_crls(),
    };
    Ok(Material::load(&config.tls.material, trust)?)
}

/// What makes tokens of values, with the key of the environment. It is read once: a new key is in force
/// after a restart, and makes other tokens.
pub(crate) fn tokens(config: &Config) -> Result<Arc<dyn Tokens>, StartError> {
    let file = config.tls.material.join(MASK_KEY);
    let text = strata_tls::read_private(&file)?;
    let tokens = KeyedTokens::parse(&text).map_err(|_| MaterialError::Invalid {
        file,
        problem: "holds no key of 32 bytes in base64: make one for the environment with `openssl rand \
                  -base64 32`",
    })?;
    Ok(Arc::new(tokens))
}

/// Takes over what changes in the folder, for ever, and tells of it, and of what should have been replaced.
pub(crate) async fn watch(
    material: Arc<Material>,
    folder: PathBuf,
    metrics: MaterialMetrics,
    events: Events,
) {
    metrics.expires(material.expires());
    let current = Arc::clone(&material);
    let mut told = Told::loaded(material.parts(), &events);
    material
        .watch(move |outcome| {
            match outcome {
                Ok(Reload::Unchanged) => {}
                Ok(Reload::Replaced) => {
                    metrics.reloaded("replaced");
                    metrics.expires(current.expires());
                    told.replaced(current.parts(), &events);
                }
                Err(error) => {
                    tracing::warn!(%error, "new material is refused: the last good one stays in force until it expires");
                    metrics.reloaded("refused");
                    let file = error.file().and_then(|file| file.strip_prefix(&folder).ok());
                    events.emit(&SecurityEvent::MaterialRefused {
                        document: file.and_then(Path::to_str),
                        reason: error.reason(),
                    });
                }
            }
            told.due(SystemTime::now(), &events);
        })
        .await;
}

/// What has been told of the material.
struct Told {
    parts: Vec<MaterialPart>,
    /// The digests of those that should have been replaced.
    due: HashSet<String>,
}

fn part(of: &MaterialPart) -> Part<'_> {
    Part {
        name: of.name,
        digest: &of.digest,
        expires: of.expires,
    }
}

impl Told {
    fn loaded(parts: Vec<MaterialPart>, events: &Events) -> Self {
        for each in &parts {
            events.emit(&SecurityEvent::MaterialLoaded(part(each)));
        }
        let due = HashSet::new();
        Self { parts, due }
    }

    fn replaced(&mut self, parts: Vec<MaterialPart>, events: &Events) {
        for each in parts.iter().filter(|each| !self.parts.contains(each)) {
            events.emit(&SecurityEvent::MaterialReplaced(part(each)));
        }
        self.parts = parts;
        let parts = &self.parts;
        self.due
            .retain(|digest| parts.iter().any(|it| it.digest == *digest));
    }

    /// Tells of each once.
    fn due(&mut self, now: SystemTime, events: &Events) {
        for each in self.parts.iter().filter(|each| each.due <= now) {
            if self.due.insert(each.digest.clone()) {
                events.emit(&SecurityEvent::MaterialExpiring(part(each)));
            }
        }
    }
}
