//! The service's certificates and trust: loaded before anything else, taken over when they change.

use std::sync::Arc;

use strata_config::{Config, Environment, Manifest};
use strata_core::{Layer, TrustDomain};
use strata_telemetry::MaterialMetrics;
use strata_tls::{Material, Reload, Trust};

use crate::error::StartError;

/// The material, trusted for exactly the layers that may call this one or that it may call.
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
        accept_stale_crls: environment.accepts_stale_crls(),
    };
    Ok(Material::load(&config.tls.material, trust)?)
}

/// Takes over what changes in the folder, for ever, and tells of it.
pub(crate) async fn watch(material: Arc<Material>, metrics: MaterialMetrics) {
    metrics.expires(material.expires());
    let current = Arc::clone(&material);
    material
        .watch(move |outcome| match outcome {
            Ok(Reload::Unchanged) => {}
            Ok(Reload::Replaced) => {
                tracing::info!("new material is in force");
                metrics.reloaded("replaced");
                metrics.expires(current.expires());
            }
            Err(error) => {
                tracing::warn!(%error, "new material is refused: the last good one stays in force until it expires");
                metrics.reloaded("refused");
            }
        })
        .await;
}
